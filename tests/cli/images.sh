# Images as recipes: written in other formats, shown, read back and rendered again.
source "$ROOT/tests/cli/verdicts.bash"
source "$ROOT/tests/cli/workflows.bash"

small_workflow small.json
python3 - <<'PY'
import json
w = json.load(open("small.json"))
w["7"] = {"class_type": "SaveImageFormat", "inputs": {"images": ["6", 0], "filename_prefix": "small", "format": "jpeg",
          "quality": 90, "profile": "Display P3"}}
json.dump(w, open("formats.json", "w"))
PY

for format in "jpeg jpg" "webp webp" "webp,_lossless webp" "png,_16_bits png" "tiff,_float tif" "exr,_half exr"; do
  read -r name extension <<<"$format"
  choice=${name//_/ }
  profile="Display P3"
  [[ $extension == exr ]] && profile=none
  image=$("$OBSCURA" render formats.json --set "SaveImageFormat.format=$choice" --set "SaveImageFormat.profile=$profile" \
    --out "out_$name" --quiet 2>said)
  [[ $image == *.$extension && -s $image ]] && pass "saves_$name" || { fail "saves_$name" "$(head -c 300 said)"; continue; }
  "$OBSCURA" verify "$image" --quiet >verdict 2>&1 && grep -q "the same bits" verdict && pass "verifies_$name" ||
    fail "verifies_$name" "$(cat verdict)"
  "$OBSCURA" show "$image" --workflow >workflow.json 2>said && grep -q KSampler workflow.json && pass "shows_$name" ||
    fail "shows_$name" "$(head -c 300 said)"
done

said=$("$OBSCURA" show out_jpeg/*.jpg)
[[ $said == *'JPEG, 64x64, colour profile "Display P3"'* && $said == *"a photo of a red ball"* && $said == *"Steps: 2"* ]] &&
  pass shows_profile_and_parameters || fail shows_profile_and_parameters "$said"

# AUTOMATIC1111's parameters alone make the image that the workflow made.
original=$("$OBSCURA" render small.json --out original --quiet 2>said)
python3 - "$original" <<'PY'
import struct, sys, zlib
data = open(sys.argv[1], "rb").read()
chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
kept, at = data[:8], 8
while at < len(data):
    length, kind = struct.unpack(">I4s", data[at:at + 8])
    body = data[at + 8:at + 8 + length]
    if kind != b"tEXt" or body.startswith(b"parameters\0"):
        kept += chunk(kind, body)
    at += 12 + length
open("a1111.png", "wb").write(kept)
PY
again=$("$OBSCURA" render a1111.png --out again --quiet 2>said)
[[ -s $again && $(pixels "$again") == "$(pixels "$original")" ]] && pass parameters_render_the_same_bits ||
  fail parameters_render_the_same_bits "$(head -c 300 said)"

# What parameters cannot say is named, and a model that is not there is a sentence.
python3 - <<'PY'
import struct, zlib
chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
text = b"parameters\0a cup\nSteps: 2, Sampler: Euler a, Size: 64x64, Model: lost_model, RNG: GPU, ControlNet 0: canny"
open("foreign.png", "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)) +
    chunk(b"tEXt", text) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b""))
PY
"$OBSCURA" render foreign.png --out none --quiet >out 2>said && fail refuses_a_lost_model "$(cat out)" ||
  { grep -q "lost_model.safetensors" said && grep -q "ControlNet 0: canny" said && grep -q "RNG: GPU" said &&
    pass refuses_a_lost_model || fail refuses_a_lost_model "$(head -c 600 said)"; }
image=$("$OBSCURA" render foreign.png --set CheckpointLoaderSimple.ckpt_name=pocket-xl-base.safetensors --out set --quiet 2>said)
[[ -s $image ]] && pass renders_with_another_model || fail renders_with_another_model "$(head -c 300 said)"
expect_status shows_no_such_text 2 "$OBSCURA" show foreign.png --text workflow
