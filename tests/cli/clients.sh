# Published clients from npm against the real program: three of ComfyUI's API, one of A1111's.
source "$ROOT/tests/cli/verdicts.bash"
source "$ROOT/tests/cli/workflows.bash"

tests=(saintno_comfyui_sdk stable_canvas_comfyui_client comfy_ui_client stable_diffusion_api)
skip_all() {
  for name in "${tests[@]}"; do skip "$name" "$1"; done
  exit 0
}
command -v node >/dev/null && command -v npm >/dev/null || skip_all "no node and npm"

# Kept between runs, as long as the list of packages is the same.
packages="$ROOT/build/clients/$(sha256sum <"$ROOT/tests/clients/package-lock.json" | cut -c 1-16)"
if [[ ! -e $packages/ready ]]; then
  mkdir -p "$packages"
  cp "$ROOT"/tests/clients/package{,-lock}.json "$packages"
  # No package's own scripts run.
  (cd "$packages" && timeout 250 npm ci --ignore-scripts --no-audit --no-fund >npm.log 2>&1 && touch ready) ||
    skip_all "npm cannot install them: $(tail -n 1 "$packages/npm.log")"
fi
cp "$ROOT/tests/clients/run.mjs" "$packages"

small_workflow small.json
"$OBSCURA" serve --data data --listen 127.0.0.1:0 >serve.log 2>&1 &
server=$!
for _ in $(seq 200); do grep -q listens serve.log && break; sleep 0.1; done
node "$packages/run.mjs" "$(sed -n 's/^Obscura listens at //p' serve.log)" small.json "$ROOT/workflows/input/bottle.png"
kill "$server"
