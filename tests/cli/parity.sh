# `obscura models parity`: the project's pairs agree, a planted wrong value is found and named, bad input ends with 2.
source "$ROOT/tests/cli/verdicts.bash"

golden=$ROOT/tests/golden
xz -dc "$ROOT/models/pocket/pocket-xl-base.safetensors.xz" >pocket.safetensors
for name in pocket_golden golden_lora golden_lora_io; do xz -dc "$golden/$name.safetensors.xz" >$name.safetensors; done

check help_shows_an_example bash -c '"$OBSCURA" models parity --help | grep -q "obscura models parity .*unet_io.safetensors"'
check every_network_of_the_pocket_model "$OBSCURA" models parity pocket.safetensors pocket_golden.safetensors --device cpu
check a_line_for_each_place bash -c \
  '"$OBSCURA" models parity pocket.safetensors pocket_golden.safetensors --device cpu | grep -Eq "^act.middle_block +absolute .* relative .* PSNR .* dB"'
check an_adapter_on_the_carried_model "$OBSCURA" models parity golden_lora.safetensors golden_lora_io.safetensors --device cpu
check an_adapter_on_a_base "$OBSCURA" models parity golden_lora.safetensors golden_lora_io.safetensors --device cpu \
  --base pocket.safetensors

# One number of one place, made larger.
python3 - <<'PY'
import json, struct
data = bytearray(open("pocket_golden.safetensors", "rb").read())
length, = struct.unpack("<Q", data[:8])
begin = 8 + length + json.loads(data[8:8 + length])["act.output_blocks.2"]["data_offsets"][0]
data[begin:begin + 4] = struct.pack("<f", 1000)
open("planted.safetensors", "wb").write(data)
PY
expect_status planted_value_ends_with_1 1 "$OBSCURA" models parity pocket.safetensors planted.safetensors --device cpu
"$OBSCURA" models parity pocket.safetensors planted.safetensors --device cpu >out 2>err
if grep -q "act.output_blocks.2 differs" err && [[ $(tail -n 1 out) == act.output_blocks.2* ]]; then
  pass planted_value_is_named_and_ends_it
else
  fail planted_value_is_named_and_ends_it "$(head -c 300 err)"
fi
expect_status strict_tolerance_ends_with_1 1 "$OBSCURA" models parity pocket.safetensors pocket_golden.safetensors \
  --device cpu --tolerance 1e-12

expect_status no_model_ends_with_2 2 "$OBSCURA" models parity absent.safetensors pocket_golden.safetensors
expect_status no_pair_ends_with_2 2 "$OBSCURA" models parity pocket.safetensors absent.safetensors
expect_status no_network_ends_with_2 2 "$OBSCURA" models parity golden_lora_io.safetensors pocket_golden.safetensors
expect_status foreign_pair_ends_with_2 2 "$OBSCURA" models parity pocket.safetensors golden_lora.safetensors
head -c 100 pocket.safetensors >cut.safetensors
expect_status damaged_model_ends_with_2 2 "$OBSCURA" models parity cut.safetensors pocket_golden.safetensors
expect_status damaged_pair_ends_with_2 2 "$OBSCURA" models parity pocket.safetensors cut.safetensors
