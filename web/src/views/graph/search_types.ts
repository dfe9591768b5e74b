import { type NodeType, type NodeTypes, typesMatch } from "../../document/node_types.ts";

export interface Wanted {
  /** The type that comes down the wire, or that is to go up it. */
  readonly type: string;
  readonly side: "input" | "output";
}

export function fits(type: NodeType, wanted: Wanted): boolean {
  return wanted.side === "input"
    ? type.inputs.some((input) => typesMatch(wanted.type, input.type))
    : type.outputs.some((output) => typesMatch(output.type, wanted.type));
}

/** What graphs are mostly made of comes before the rest. */
const COMMON = [
  "CheckpointLoaderSimple", "CLIPTextEncode", "EmptyLatentImage", "KSampler", "VAEDecode", "SaveImage",
  "LoraLoader", "LoadImage", "VAEEncode", "PreviewImage", "LatentUpscaleBy", "ImageScale",
];

/** Every word must occur; matches in the name come first, at its beginning before all. */
export function searchTypes(types: NodeTypes, query: string, wanted?: Wanted): NodeType[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const scored: [number, NodeType][] = [];
  for (const type of types.values()) {
    if (wanted && !fits(type, wanted)) continue;
    const name = `${type.label} ${type.id}`.toLowerCase();
    const all = `${name} ${type.category} ${type.description}`.toLowerCase();
    if (!words.every((word) => all.includes(word))) continue;
    const common = COMMON.indexOf(type.id);
    let score = (type.deprecated ? 50 : 0) + (common < 0 ? 0.9 : common / 100);
    for (const word of words) score += name.startsWith(word) ? 0 : name.includes(word) ? 1 : 10;
    scored.push([score, type]);
  }
  return scored.sort((a, b) => a[0] - b[0] || a[1].label.localeCompare(b[1].label)).map(([, type]) => type);
}
