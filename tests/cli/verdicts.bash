# For the scripts of tests/cli: each *.sh there is run by ./test in an empty folder of its own, with OBSCURA (the program)
# and ROOT (the checkout) set, and prints one line a test: `PASS name`, `FAIL name: why` or `SKIP name: why`. An exit status
# other than 0 without a FAIL line, no verdict at all, or 300 seconds (an hour where OBSCURA_SLOW=1) count as one failure.
# Lines that begin with TIME are shown as they are. Start one with
#   source "$ROOT/tests/cli/verdicts.bash"

pass() { echo "PASS $1"; }
fail() { echo "FAIL $1: ${*:2}"; }
skip() { echo "SKIP $1: ${*:2}"; }

# check NAME COMMAND…: passes when the command succeeds; shows what it said when it does not.
check() {
  local name=$1 said
  shift
  if said=$("$@" 2>&1); then pass "$name"; else fail "$name" "status $? of: $*"; sed 's/^/  | /' <<<"$said"; fi
}

# expect_status NAME STATUS COMMAND…: passes when the command ends with this exit status.
expect_status() {
  local name=$1 wanted=$2 found=0 said
  shift 2
  said=$("$@" 2>&1) || found=$?
  if [[ $found -eq $wanted ]]; then pass "$name"; else
    fail "$name" "wants exit status $wanted, found $found, of: $*"
    sed 's/^/  | /' <<<"$said"
  fi
}
