/** What `/object_info` says of each node type, in a form that is easy to ask. */
import type { Json } from "./exact_json.ts";
import { NOTE, REROUTE } from "./model.ts";

export interface InputSpec {
  readonly name: string;
  /** "MODEL", "INT", "COMBO", "*", or several joined by commas. */
  readonly type: string;
  readonly required: boolean;
  /** Has a field of its own, besides taking a wire. */
  readonly widget: boolean;
  readonly choices?: readonly string[];
  readonly initial?: Json;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  readonly multiline: boolean;
  readonly tooltip: string;
  readonly isSeed: boolean;
  readonly imageUpload: boolean;
}

export interface OutputSpec {
  readonly name: string;
  readonly type: string;
  readonly tooltip: string;
}

export interface NodeType {
  readonly id: string;
  readonly label: string;
  readonly category: string;
  readonly description: string;
  readonly inputs: readonly InputSpec[];
  readonly outputs: readonly OutputSpec[];
  readonly isOutput: boolean;
  readonly deprecated: boolean;
  readonly experimental: boolean;
}

export type NodeTypes = ReadonlyMap<string, NodeType>;

export function isVirtual(type: string): boolean {
  return type === REROUTE || type === NOTE;
}

export function inputOf(type: NodeType | undefined, name: string): InputSpec | undefined {
  return type?.inputs.find((input) => input.name === name);
}

export function initialValues(type: NodeType): Record<string, Json> {
  const values: Record<string, Json> = {};
  for (const input of type.inputs) if (input.widget) values[input.name] = input.initial ?? "";
  return values;
}

/** Whether a wire of type `from` fits an input of type `to`; both may be unions. */
export function typesMatch(from: string, to: string): boolean {
  if (from === "*" || to === "*") return true;
  const wanted = new Set(to.split(",").map((part) => part.trim()));
  return from.split(",").some((part) => wanted.has(part.trim()));
}
