/** A LoRA for one layer, with what its makers say of it. */
export function lora(metadata) {
  const layer = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q";
  const tensor = (shape, at) => ({ dtype: "F32", shape, data_offsets: [at, at + 4 * shape.reduce((a, b) => a * b, 1)] });
  const header = JSON.stringify({
    __metadata__: metadata,
    [`${layer}.lora_down.weight`]: tensor([2, 128], 0),
    [`${layer}.lora_up.weight`]: tensor([128, 2], 1024),
    [`${layer}.alpha`]: tensor([], 2048),
  });
  const padded = header + " ".repeat((8 - (header.length % 8)) % 8);
  const bytes = new Uint8Array(8 + padded.length + 2052);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded.length), true);
  bytes.set(new TextEncoder().encode(padded), 8);
  return bytes;
}
