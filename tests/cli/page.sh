# The page in a real browser, and its own tests. Wants Node 20 or newer, Chromium, and the npm registry or web/node_modules;
# where one is missing, what needs it is skipped. OBSCURA_SLOW=1 runs all of the browser's tests, else those that matter most.
source "$ROOT/tests/cli/verdicts.bash"

here=$PWD
if ! command -v node >/dev/null || [[ $(node --version) =~ ^v(1[0-9]|[0-9])\. ]]; then
  skip page "there is no Node 20 here"
  exit
fi
if ! (cd "$ROOT/web" && npm ls --silent >/dev/null 2>&1) &&
    ! (cd "$ROOT/web" && timeout 60 npm ci --ignore-scripts --no-audit --no-fund >/dev/null 2>&1); then
  skip page "web/node_modules is missing, and npm could not fill it"
  exit
fi

# What the program carries is what the sources give.
same_build() {
  (cd "$ROOT/web" && npx vite build --outDir "$here/dist" --emptyOutDir --logLevel error) || return 1
  local name
  diff <(cd "$ROOT/web/dist" && find . -type f | sort) <(cd dist && find . -type f | sort) || return 1
  while read -r name; do
    diff -q <(zcat -f "$ROOT/web/dist/$name") <(zcat -f "dist/$name") || return 1
  done < <(cd dist && find . -type f)
}
check "page: its own tests" npm --prefix "$ROOT/web" test
check "page: nothing for the linter to find" npm --prefix "$ROOT/web" run lint
check "page: web/dist is the build of web/src" same_build

chromium=$(command -v chromium || command -v chromium-browser || true)
if [[ -z $chromium ]]; then
  skip "page: in the browser" "there is no chromium here"
  exit
fi
# A machine that does other work besides draws fewer frames, so what measures time is among the slow ones.
which=--quick limit=540
[[ ${OBSCURA_SLOW-} != 1 ]] || which='' limit=1200
CHROMIUM=$chromium OBSCURA=$OBSCURA timeout $limit node "$ROOT/web/e2e/run.mjs" $which
