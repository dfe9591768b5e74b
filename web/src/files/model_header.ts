/** What kind of model a file holds, as far as the names of its tensors tell: safetensors files begin with them. */
import { isObject } from "../document/exact_json.ts";

const LONGEST_HEADER = 32 * 1024 * 1024;

export const isModelFile = (name: string): boolean => /\.(safetensors|sft|ckpt|pth?|bin)$/i.test(name);

const KINDS: readonly (readonly [string, RegExp])[] = [
  ["loras", /lora_(up|down|A|B)|\.alpha$|hada_w1|lokr_w|\.diff$|^lora_|^lycoris_/],
  ["controlnet", /^control_model\.|^controlnet_(cond_embedding|down_blocks|mid_block)|^input_hint_block\.|^zero_convs\./],
  ["checkpoints", /^model\.diffusion_model\./],
  ["embeddings", /^(emb_params|clip_[gl]|string_to_param)/],
  ["upscale_models", /^(model\.0\.weight|conv_first\.|body\.0\.)/],
  ["vae", /^(first_stage_model\.)?(encoder|decoder)\.conv_in\./],
  ["text_encoders", /^(text_model|transformer\.text_model|cond_stage_model)\./],
  ["diffusion_models", /^(input_blocks|down_blocks)\./],
];

/** The first kind one of whose names is there; none for other formats, or names that nobody knows. */
export function kindOfNames(names: readonly string[]): string | undefined {
  return KINDS.find(([, pattern]) => names.some((name) => pattern.test(name)))?.[0];
}

export async function kindOfHeader(file: Blob): Promise<string | undefined> {
  try {
    const length = Number(new DataView(await file.slice(0, 8).arrayBuffer()).getBigUint64(0, true));
    if (length > LONGEST_HEADER || length > file.size) return undefined;
    const header: unknown = JSON.parse(await file.slice(8, 8 + length).text());
    return isObject(header) ? kindOfNames(Object.keys(header)) : undefined;
  } catch {
    return undefined;
  }
}
