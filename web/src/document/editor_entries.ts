/** What a file of ComfyUI's editor form is read by, entry by entry; whatever has another shape counts as nothing. */
import { isObject, type Json, type JsonObject } from "./exact_json.ts";
import { type NodeId, REROUTE } from "./model.ts";
import type { NodeType } from "./node_types.ts";

/** Gives its value to the fields that it feeds; the page has it only in files. */
export const PRIMITIVE = "PrimitiveNode";
/** What stands beside a seed. */
export const CONTROLS = ["fixed", "increment", "decrement", "randomize"];

export const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);
export const num = (value: Json | undefined): number => (typeof value === "number" ? value : 0);

/** A link as [id, from, slot, to, slot, type], or an object of those in newer files. */
export function readLink(entry: Json): { id: string; from: NodeId; output: number; to: NodeId; slot: number } | undefined {
  if (Array.isArray(entry)) {
    return { id: String(entry[0]), from: String(entry[1]), output: num(entry[2]), to: String(entry[3]), slot: num(entry[4]) };
  }
  if (!isObject(entry)) return undefined;
  return {
    id: String(entry.id),
    from: String(entry.origin_id),
    output: num(entry.origin_slot),
    to: String(entry.target_id),
    slot: num(entry.target_slot),
  };
}

/** Names of a node's inputs by slot: as the file has them, or as the type would. */
export function inputName(entry: JsonObject, type: NodeType | undefined, slot: number): string | undefined {
  if (entry.type === REROUTE) return "";
  const declared = list(entry.inputs)[slot];
  if (isObject(declared)) {
    const widget = isObject(declared.widget) ? declared.widget.name : undefined;
    return String(widget ?? declared.name);
  }
  return type?.inputs.filter((input) => !input.widget)[slot]?.name;
}

export const subgraphEntries = (file: JsonObject): JsonObject[] =>
  isObject(file.definitions) ? list(file.definitions.subgraphs).filter(isObject) : [];
