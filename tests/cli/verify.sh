# `obscura verify`, `plan`, `models` and `doctor`.
source "$ROOT/tests/cli/verdicts.bash"
source "$ROOT/tests/cli/workflows.bash"

small_workflow small.json
image=$("$OBSCURA" render small.json --out out --quiet)

verified=$("$OBSCURA" verify "$image" --quiet) && [[ $verified == "$image: the same bits" ]] && pass verify ||
  fail verify "$verified"
clean=$("$OBSCURA" render small.json --out out --clean --quiet)
check verify_by_the_sidecar "$OBSCURA" verify "$clean" --quiet

# Another seed in the recipe makes another image, and verify must see it.
python3 - "$image" forged.png <<'PY'
import struct, sys, zlib
data, at, out = open(sys.argv[1], "rb").read(), 8, b""
out = data[:8]
while at < len(data):
    length, kind = struct.unpack(">I4s", data[at:at + 8])
    body = data[at + 8:at + 8 + length]
    if body.startswith(b"recipe\0"):
        body = body.replace(b'"seed":11', b'"seed":12').replace(b'"version":"', b'"version":"9')
        body = body.replace(b'"libraries":"oneDNN ', b'"libraries":"oneDNN 9')
    out += struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(kind + body))
    at += 12 + length
open(sys.argv[2], "wb").write(out)
PY
status=0
said=$("$OBSCURA" verify forged.png --quiet 2>err) || status=$?
if [[ $status -eq 1 && $said == *"samples differ"* && $said == *"program.version: then"* ]]; then pass verify_sees_a_difference; else
  fail verify_sees_a_difference "exit status $status: $said"
fi
check verify_says_that_another_library_made_it grep -q 'device.libraries: then "oneDNN 9.*now "oneDNN ' <<<"$said"
cp "$ROOT/workflows/input/bottle_mask.png" bare.png
expect_status verify_without_recipe 2 "$OBSCURA" verify bare.png --quiet

"$OBSCURA" plan small.json --json >plan.json 2>err
if python3 - <<'PY'
import json
plan = json.loads(open("plan.json").read())
names = " ".join(n["network"] for n in plan["networks"])
assert len(plan["networks"]) == 4, names
assert all(n["activations"] > 0 and n["runs"] > 0 for n in plan["networks"]), plan
assert 0 < plan["peak"] <= plan["budget"], plan
PY
then pass plan; else fail plan "$(cat plan.json err)"; fi
"$OBSCURA" plan small.json --json --budget 40MiB >tight.json 2>err
if python3 - <<'PY'
import json
plan = json.loads(open("tight.json").read())
assert plan["peak"] <= 40 << 20, plan["peak"]
assert any(n["streamed"] > 0 for n in plan["networks"]), plan
PY
then pass plan_streams_within_a_budget; else fail plan_streams_within_a_budget "$(cat tight.json err)"; fi
expect_status plan_that_cannot_fit 1 "$OBSCURA" plan small.json --budget 1MiB

[[ $("$OBSCURA" models list) == *checkpoints/pocket-xl-base.safetensors* ]] && pass models_list || fail models_list "no pocket model"
"$OBSCURA" models inspect pocket-xl-base.safetensors --json >model.json 2>err
if python3 - <<'PY'
import json
model = json.loads(open("model.json").read())
assert model["architecture"] == "SDXL base" and model["tensors"]["unknown"] == 0, model
assert [n["name"] for n in model["networks"]] == ["unet", "clip_l", "clip_g", "vae"], model["networks"]
PY
then pass models_inspect; else fail models_inspect "$(head -c 300 model.json err)"; fi
printf 'a.weight\tF16\t4,4\n' >keys.tsv
check models_random "$OBSCURA" models random keys.tsv random.safetensors
expect_status models_inspect_foreign 1 "$OBSCURA" models inspect random.safetensors

doctor=$("$OBSCURA" doctor 2>&1) && [[ $doctor == *"as published"* && $doctor == *self-test* ]] && pass doctor || fail doctor "$doctor"
[[ $("$OBSCURA" --version) =~ ^obscura\ [0-9]+\.[0-9]+ ]] && pass version || fail version "$("$OBSCURA" --version)"
for command in render txt2img plan verify models doctor; do
  [[ $("$OBSCURA" $command --help) == *"Examples:"* ]] && pass "help_of_$command" || fail "help_of_$command" "no examples"
done
