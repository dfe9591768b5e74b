# For the scripts of tests/cli that render: a workflow small enough to take a second, and readers of what comes back.

export OMP_WAIT_POLICY=passive

# small_workflow FILE [STEPS [BATCH]]: 64x64, the pocket model, one prompt.
small_workflow() {
  cat >"$1" <<JSON
{
  "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "pocket-xl-base.safetensors"}},
  "2": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": "a photo of a red ball on sand, night"}},
  "3": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": ""}},
  "4": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": ${3:-1}}},
  "5": {"class_type": "KSampler", "inputs": {"model": ["1", 0], "seed": 11, "steps": ${2:-2}, "cfg": 4.0,
        "sampler_name": "euler_ancestral", "scheduler": "normal", "positive": ["2", 0], "negative": ["3", 0],
        "latent_image": ["4", 0], "denoise": 1.0}},
  "6": {"class_type": "VAEDecode", "inputs": {"samples": ["5", 0], "vae": ["1", 2]}},
  "7": {"class_type": "SaveImage", "inputs": {"images": ["6", 0], "filename_prefix": "small"}}
}
JSON
}

# pixels IMAGE…: the digest of each image's samples, as its recipe has it.
pixels() {
  python3 - "$@" <<'PY'
import json, struct, sys
for path in sys.argv[1:]:
    data = open(path, "rb").read()
    at = 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        key, _, text = data[at + 8:at + 8 + length].partition(b"\0")
        if kind == b"tEXt" and key == b"recipe":
            print(json.loads(text)["pixels"]["sha256"])
        at += 12 + length
PY
}
