# `obscura serve` under work: workflows as users write them, imports, plans, kills, many clients.
source "$ROOT/tests/cli/verdicts.bash"

python3 -B "$ROOT/tests/cli/serve_jobs_driver.py" "$OBSCURA" "$ROOT"

# What bench/service_check measures, smaller. Times say nothing on a machine that runs tests besides; counts do.
"$ROOT/bench/service_check" "$OBSCURA" --jobs 300 --clients 30 --json figures.json >figures.txt 2>&1
check measures_what_it_promises python3 -c '
import json
rows = {row["what"]: row for row in json.load(open("figures.json"))["rows"]}
assert len(rows) >= 11, rows
assert rows["jobs there after kill -9"]["figure"] == 300, rows
assert rows["clients that saw all 40 steps"]["figure"] == 30, rows'
