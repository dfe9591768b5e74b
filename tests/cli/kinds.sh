# Every kind of checkpoint from a list of tensors to an image: made with random weights, inspected, planned, rendered. In
# small by default; OBSCURA_SLOW=1 ./test cli does it at full size too (7 GB of disk and of memory, some minutes).
source "$ROOT/tests/cli/verdicts.bash"
source "$ROOT/tests/cli/workflows.bash"

KEYS=$ROOT/models/keys

# reduced LIST UNIT DIVISOR CONTEXT:TO LABEL:TO: the list with widths divided and transformers cut short.
reduced() {
  python3 - "$@" <<'PY'
import re, sys
path, unit, divisor = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
context, label = (dict([tuple(map(int, pair.split(":")))]) for pair in sys.argv[4:6])
clip = {768: 64, 3072: 256, 1280: 128, 3840: 384, 5120: 512}
clip_h = {1024: 64, 3072: 192, 4096: 256}
vae = {128: 32, 256: 64, 512: 128}
for line in open(path):
    name, dtype, sizes = line.rstrip("\n").split("\t")
    depth = re.search(r"\.transformer_blocks\.(\d+)\.", name)
    layer = re.search(r"(?:encoder\.layers|resblocks)\.(\d+)\.", name)
    if depth and int(depth[1]) > 1 or layer and int(layer[1]) > 2:
        continue
    if name.startswith("model.diffusion_model."):
        shrink = context if ".attn2.to_" in name else label if "label_emb.0.0." in name else {}
        size = lambda n: shrink.get(n, n // divisor if n % unit == 0 else n)
    else:
        table = vae if name.startswith("first_stage") else clip_h if "cond_stage_model.model." in name else clip
        size = lambda n: table.get(n, n)
    print(name, dtype, ",".join(str(size(int(n))) for n in sizes.split(",") if n), sep="\t")
PY
}

mkdir -p models/checkpoints
make_small() { # NAME LIST UNIT DIVISOR CONTEXT:TO LABEL:TO
  reduced "$KEYS/$2" "${@:3}" >"$1.tsv" && "$OBSCURA" models random "$1.tsv" "models/checkpoints/$1.safetensors" >/dev/null
}
make_small sd_xl_base_1.0 sdxl_base_keys.tsv 320 10 2048:192 2816:1664
make_small sd_xl_refiner_1.0 sdxl_refiner_keys.tsv 384 12 1280:128 2560:1408
make_small v1-5 sd15_keys.tsv 320 10 768:64 0:0
make_small v2-1 sd21_keys.tsv 320 5 1024:64 0:0

# tried NAME FILE KIND FOLDER: what it is, what it would need, and an image.
tried() {
  local what planned image
  what=$("$OBSCURA" models inspect "$2" --models "$4" 2>&1)
  [[ $what == *": $3, "* && $what == *", 0 unknown"* ]] && pass "inspects_$1" || fail "inspects_$1" "$what"
  planned=$("$OBSCURA" plan small.json --models "$4" --set "CheckpointLoaderSimple.ckpt_name=$2" 2>&1)
  [[ $planned == *"peak of the job"* ]] && pass "plans_$1" || fail "plans_$1" "$planned"
  image=$("$OBSCURA" render small.json --models "$4" --set "CheckpointLoaderSimple.ckpt_name=$2" --out "$1" --quiet 2>said)
  [[ -s $image ]] && pass "renders_$1" || fail "renders_$1" "$(head -c 300 said)"
}

small_workflow small.json 1
tried sdxl_base sd_xl_base_1.0.safetensors "SDXL base" models
tried sdxl_refiner sd_xl_refiner_1.0.safetensors "SDXL refiner" models
tried sd15 v1-5.safetensors "Stable Diffusion 1" models
tried sd21 v2-1.safetensors "Stable Diffusion 2" models

# Two stages in one graph: both networks are planned together, and the refiner takes over what the base left.
two_stages=("$ROOT/workflows/two_stage_refiner.json" --models models --set EmptyLatentImage.width=64
  --set EmptyLatentImage.height=64)
plan=$("$OBSCURA" plan "${two_stages[@]}" 2>&1)
[[ $(grep -c '^unet ' <<<"$plan") -eq 2 && $plan == *"peak of the job"* ]] && pass plans_two_stages ||
  fail plans_two_stages "$plan"
image=$("$OBSCURA" render "${two_stages[@]}" --out two --quiet 2>said)
[[ -s $image ]] && pass renders_two_stages || fail renders_two_stages "$(head -c 300 said)"

# A network file of its own where a checkpoint is wanted, and the other way round.
grep '^model\.diffusion_model\.' v1-5.tsv >unet.tsv
mkdir -p models/diffusion_models
"$OBSCURA" models random unet.tsv models/diffusion_models/unet.safetensors >/dev/null
python3 - <<'PY'
import json
w = json.load(open("small.json"))
w["1"]["inputs"]["ckpt_name"] = "v1-5.safetensors"
w["9"] = {"class_type": "UNETLoader", "inputs": {"unet_name": "unet.safetensors", "weight_dtype": "default"}}
w["5"]["inputs"]["model"] = ["9", 0]
json.dump(w, open("unet.json", "w"))
PY
alone=$("$OBSCURA" render unet.json --models models --out alone --quiet 2>said)
whole=$("$OBSCURA" render small.json --models models --set CheckpointLoaderSimple.ckpt_name=v1-5.safetensors --out whole --quiet 2>>said)
[[ -s $alone && $(pixels "$alone") == "$(pixels "$whole")" ]] && pass a_unet_alone_gives_the_same_bits ||
  fail a_unet_alone_gives_the_same_bits "$(head -c 300 said)"

if [[ ${OBSCURA_SLOW:-0} != 1 ]]; then
  skip full_size "OBSCURA_SLOW=1 is not set"
else
  for kind in "sdxl_base:SDXL base" "sdxl_refiner:SDXL refiner" "sd15:Stable Diffusion 1" "sd21:Stable Diffusion 2"; do
    list=${kind%%:*}
    started=$SECONDS
    mkdir -p full/checkpoints
    "$OBSCURA" models random "$KEYS/${list}_keys.tsv" full/checkpoints/full.safetensors >/dev/null
    tried "full_$list" full.safetensors "${kind#*:}" full
    echo "TIME full_$list: $((SECONDS - started)) s, of $(du -BM full/checkpoints/full.safetensors | cut -f1)"
    rm -rf full
  done
fi
