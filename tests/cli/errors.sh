# What users and files do wrong: a message that names the place, the right exit status, and no half file.
source "$ROOT/tests/cli/verdicts.bash"
source "$ROOT/tests/cli/workflows.bash"

small_workflow small.json
small_workflow long.json 10000

# says NAME STATUS TEXT ARGS…: the program ends with STATUS, and stderr holds TEXT.
says() {
  local name=$1 wanted=$2 text=$3 found=0
  shift 3
  "$OBSCURA" "$@" --quiet >out 2>err || found=$?
  if [[ $found -eq $wanted ]] && grep -qF -- "$text" err; then pass "$name"; else
    fail "$name" "wants exit status $wanted and '$text', found $found: $(head -c 400 err)"
  fi
}

says size_zero 2 'input "width": wanted at least 16, found 0' render small.json --set 4.width=0
says size_too_large 2 'wanted at most 16384, found 100000' render small.json --set 4.width=100000
says not_enough_memory 1 'lack' render small.json --set 4.batch_size=4096 --set 4.width=16384 --set 4.height=16384
says budget_too_small 1 'lack' render small.json --budget 1MiB
says budget_unreadable 2 "wanted an amount of memory" render small.json --budget lots
says unknown_input 2 "'stepz'" render small.json --set KSampler.stepz=3
says unknown_device 2 "cpu" render small.json --device abacus
says missing_file 2 "nothing.json" render nothing.json
says missing_folder 2 "no folder" render small.json --models nowhere
sed 's/KSampler"/KSamplr"/' small.json >unknown.json
says unknown_node 2 "'KSampler'" render unknown.json
sed 's/pocket-xl-base/absent/' small.json >absent.json
says missing_model 2 "absent.safetensors" render absent.json
says missing_image 2 "absent.png" render "$ROOT/workflows/image_to_image.json" --set LoadImage.image=absent.png
sed 's/"small"/"..\/..\/escape"/' small.json >escape.json
says escaping_prefix 2 'input "filename_prefix"' render escape.json

# Models that are damaged: cut short, and with a NaN among the weights.
mkdir -p models/checkpoints
xz -dc "$ROOT/models/pocket/pocket-xl-base.safetensors.xz" >models/checkpoints/nan.safetensors
head -c 30000000 models/checkpoints/nan.safetensors >models/checkpoints/cut.safetensors
python3 - <<'PY'
import json, struct
path = "models/checkpoints/nan.safetensors"
with open(path, "r+b") as file:
    size = struct.unpack("<Q", file.read(8))[0]
    header = json.loads(file.read(size))
    name = "model.diffusion_model.out.2.weight"
    entry = header[name]
    bits = {"F16": b"\x00\x7e", "BF16": b"\xc0\x7f", "F32": b"\x00\x00\xc0\x7f"}[entry["dtype"]]
    file.seek(8 + size + entry["data_offsets"][0])
    file.write(bits)
PY
sed 's/pocket-xl-base/cut/' small.json >cut.json
says truncated_model 1 "cut.safetensors" render cut.json --models models --out damaged
sed 's/pocket-xl-base/nan/' small.json >nan.json
says nan_weight 1 "unet" render nan.json --models models --out damaged
[[ -e damaged && -n $(ls -A damaged) ]] && fail nothing_of_damaged_models "$(ls -A damaged | head -3)" || pass nothing_of_damaged_models

# A full disk: an error, and nothing that looks like an image.
if [[ $(id -u) -eq 0 ]] && mkdir full && mount -t tmpfs -o size=4k none full 2>mount_said; then
  says full_disk 1 "full" render small.json --out full
  [[ -z $(ls -A full) ]] && pass full_disk_leaves_nothing || fail full_disk_leaves_nothing "$(ls -A full)"
  umount full
else
  skip full_disk "needs a small file system of its own: $(head -c 100 mount_said 2>/dev/null)"
fi

# Ctrl-C in the middle of sampling.
"$OBSCURA" render long.json --out stopped >out 2>err &
job=$!
for _ in $(seq 300); do
  grep -q "step 2/" err && break
  sleep 0.1
done
kill -INT $job
status=0
wait $job || status=$?
if [[ $status -eq 1 ]] && grep -q "cancelled on request; nothing was written" err; then pass interrupted; else
  fail interrupted "wants exit status 1 and a sentence, found $status: $(tail -2 err)"
fi
[[ -e stopped && -n $(ls -A stopped) ]] && fail interrupted_leaves_nothing "$(ls -A stopped)" || pass interrupted_leaves_nothing

# Nothing leaves: a render opens no socket of the network.
if command -v strace >/dev/null && strace -f -e trace=network -o trace "$OBSCURA" render small.json --out traced --quiet >out 2>err; then
  if grep -E 'socket\(AF_INET|socket\(AF_INET6|connect\(' trace; then fail no_network "see above"; else pass no_network; fi
else
  skip no_network "strace cannot run here"
fi
