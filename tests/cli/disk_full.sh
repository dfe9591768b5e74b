# `obscura serve` on a disk that fills up: it says so, loses nothing, and goes on once there is room.
source "$ROOT/tests/cli/verdicts.bash"

tests=(says_that_the_disk_is_full keeps_what_was_there leaves_nothing_half_written goes_on_when_there_is_room)
if ! unshare --mount --map-root-user sh -c "mkdir -p disk && mount -t tmpfs -o size=1m tmpfs disk" 2>/dev/null; then
  for name in "${tests[@]}"; do skip "$name" "this machine allows no mounts of one's own"; done
  exit 0
fi
cat >inside.sh <<'INSIDE'
mkdir -p disk && mount -t tmpfs -o size=3m tmpfs disk && exec python3 -B "$ROOT/tests/cli/disk_full_driver.py" "$OBSCURA" "$ROOT"
INSIDE
unshare --mount --map-root-user bash inside.sh
