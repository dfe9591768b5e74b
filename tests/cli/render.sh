# `obscura render` and `txt2img`: images, their bits, and what is printed about them.
source "$ROOT/tests/cli/verdicts.bash"
source "$ROOT/tests/cli/workflows.bash"

small_workflow small.json
small_workflow four.json 2 4

render() { "$OBSCURA" render "$@" --quiet; }

# fewer_steps WORKFLOW: what has each of its samplers take four steps, which its nodes are tried by as well as by twenty.
fewer_steps() {
  [[ ${OBSCURA_SLOW-} != 1 ]] || return 0
  python3 - "$1" <<'PY'
import json, sys
for name, node in json.load(open(sys.argv[1])).items():
    if "steps" in node["inputs"]:
        print(f"--set\n{name}.steps=4")
PY
}

for workflow in "$ROOT"/workflows/*.json; do
  grep -q pocket-xl-base "$workflow" || continue # for models that nobody may ship: tests/cli/kinds.sh
  name=$(basename "$workflow" .json)
  mapfile -t fewer < <(fewer_steps "$workflow")
  path=$(render "$workflow" "${fewer[@]}" --out shipped --models "$ROOT/workflows/models" 2>said)
  if [[ -s $path && $path == shipped/${name}_00001_.png ]] && pngcheck -q "$path" >check 2>&1; then pass "renders_$name"; else
    fail "renders_$name" "found '$path', $(head -c 300 said)"
  fi
done

first=$(render small.json --out a) second=$(render small.json --out a)
[[ $first == a/small_00001_.png && $second == a/small_00002_.png ]] && pass counts_on || fail counts_on "$first $second"
cmp -s "$first" "$second" && pass same_seed_same_bits || fail same_seed_same_bits "$first and $second differ"
other=$(render small.json --out a --seed 12)
[[ $(pixels "$first") != "$(pixels "$other")" ]] && pass other_seed_other_bits || fail other_seed_other_bits "equal pixels"
set_seed=$(render small.json --out a --set KSampler.seed=12)
[[ $(pixels "$set_seed") == "$(pixels "$other")" ]] && pass set_is_heard || fail set_is_heard "--set and --seed differ"
again=$(render "$first" --out a)
[[ $(pixels "$again") == "$(pixels "$first")" ]] && pass an_image_is_a_workflow || fail an_image_is_a_workflow "other pixels"

# A batch with LatentSeeds equals single renders.
python3 - <<'PY'
import json
w = json.load(open("four.json"))
w["8"] = {"class_type": "LatentSeeds", "inputs": {"samples": ["4", 0], "seeds": "11"}}
w["5"]["inputs"]["latent_image"] = ["8", 0]
json.dump(w, open("four.json", "w"))
PY
mapfile -t batch < <(render four.json --out batch)
singles=()
for seed in 11 12 13 14; do singles+=("$(render small.json --out singles --seed $seed)"); done
[[ ${#batch[@]} -eq 4 && $(pixels "${batch[@]}") == "$(pixels "${singles[@]}")" ]] && pass batch_equals_singles ||
  fail batch_equals_singles "${#batch[@]} images: $(pixels "${batch[@]}" | cut -c1-8 | xargs) and $(pixels "${singles[@]}" | cut -c1-8 | xargs)"

# Every line of --json is an object; progress reaches the end; the result names file, seed and pixels.
"$OBSCURA" render small.json --out json --json >events 2>said
if python3 - <<'PY'
import json
events = [json.loads(line) for line in open("events")]
kinds = [e["event"] for e in events]
assert kinds[0] == "start" and kinds[-1] != "error", kinds
steps = [(e["value"], e["max"]) for e in events if e["event"] == "progress" and e["type"] == "KSampler"]
assert steps[-1] == (2, 2), steps
results = [e for e in events if e["event"] == "result"]
assert len(results) == 1 and results[0]["seed"] == 11 and len(results[0]["sha256"]) == 64, results
open(results[0]["path"], "rb").close()
PY
then pass json_events; else fail json_events "$(tail -3 events)"; fi

# The image carries what other programs look for; with --clean nothing, and a sidecar.
if python3 - "$first" <<'PY'
import struct, sys
data, at, keys = open(sys.argv[1], "rb").read(), 8, []
while at < len(data):
    length, kind = struct.unpack(">I4s", data[at:at + 8])
    if kind in (b"tEXt", b"iTXt"):
        keys.append(data[at + 8:at + 8 + length].split(b"\0")[0].decode())
    at += 12 + length
sys.exit(keys != ["prompt", "parameters", "recipe"])
PY
then pass metadata; else fail metadata "not prompt, parameters, recipe"; fi
clean=$(render small.json --out clean --clean)
grep -aq -e tEXt -e iTXt "$clean" && fail clean_has_no_text "a text chunk is in $clean" || pass clean_has_no_text
check clean_leaves_a_sidecar python3 -m json.tool clean/small_00001_.recipe.json

made=$("$OBSCURA" txt2img "a photo of a red ball on sand, night" --size 64x64 --steps 2 --cfg 4 --sampler euler_ancestral \
  --seed 11 --prefix made --out t --quiet --save-workflow saved.json)
[[ $(pixels "$made") == "$(pixels "$first")" ]] && pass txt2img_is_the_same_path || fail txt2img_is_the_same_path "other pixels than render"
saved=$(render saved.json --out t)
[[ $(pixels "$saved") == "$(pixels "$made")" ]] && pass saved_workflow || fail saved_workflow "other pixels than txt2img"

less=$(render small.json --out a --budget 40MiB)
[[ $(pixels "$less") == "$(pixels "$first")" ]] && pass budget_changes_no_bit || fail budget_changes_no_bit "other pixels within 40 MiB"
