/** The server's /object_info, read as node types. */
import { isObject, type Json, type JsonObject } from "./exact_json.ts";
import { NOTE, REROUTE } from "./model.ts";
import type { InputSpec, NodeType, NodeTypes } from "./node_types.ts";

const text = (value: Json | undefined): string => (typeof value === "string" ? value : "");

export const number = (value: Json | undefined): number | undefined =>
  typeof value === "number" || typeof value === "bigint" ? Number(value) : undefined;

function firstValue(type: string, options: JsonObject, choices: readonly string[] | undefined): Json {
  if (options.default !== undefined) return options.default;
  switch (type) {
    case "COMBO":
      return choices?.[0] ?? "";
    case "INT":
    case "FLOAT":
      return Math.max(0, number(options.min) ?? 0);
    case "BOOLEAN":
      return false;
    default:
      return "";
  }
}

function parseInput(name: string, config: Json, required: boolean): InputSpec | undefined {
  if (!Array.isArray(config)) return undefined;
  const options = isObject(config[1]) ? config[1] : {};
  const listed = Array.isArray(config[0]) ? config[0] : Array.isArray(options.options) ? options.options : undefined;
  const type = listed ? "COMBO" : text(config[0]);
  const choices = listed?.map((choice) => String(choice));
  const widget = WIDGET_TYPES.has(type) && options.forceInput !== true;
  return {
    name,
    type,
    required,
    widget,
    choices,
    initial: widget ? firstValue(type, options, choices) : undefined,
    min: number(options.min),
    max: number(options.max),
    step: number(options.step),
    multiline: options.multiline === true,
    tooltip: text(options.tooltip),
    isSeed: options.control_after_generate !== undefined && options.control_after_generate !== false,
    imageUpload: options.image_upload === true,
  };
}

function parseType(id: string, entry: JsonObject): NodeType {
  const inputs: InputSpec[] = [];
  const sections = isObject(entry.input) ? entry.input : {};
  for (const section of ["required", "optional"]) {
    const declared = sections[section];
    if (!isObject(declared)) continue;
    const order = isObject(entry.input_order) ? entry.input_order[section] : undefined;
    const names = Array.isArray(order) ? order.map(String) : Object.keys(declared);
    for (const name of names) {
      const spec = parseInput(name, declared[name] ?? null, section === "required");
      if (spec) inputs.push(spec);
    }
  }
  const types = Array.isArray(entry.output) ? entry.output : [];
  const names = Array.isArray(entry.output_name) ? entry.output_name : [];
  const tooltips = Array.isArray(entry.output_tooltips) ? entry.output_tooltips : [];
  return {
    id,
    label: text(entry.display_name) || id,
    category: text(entry.category),
    description: text(entry.description),
    inputs,
    outputs: types.map((type, index) => ({
      type: Array.isArray(type) ? "COMBO" : text(type),
      name: text(names[index]) || text(type),
      tooltip: text(tooltips[index]),
    })),
    isOutput: entry.output_node === true,
    deprecated: entry.deprecated === true,
    experimental: entry.experimental === true,
  };
}

const plainInput = { required: false, multiline: false, tooltip: "", isSeed: false, imageUpload: false };

const OWN_TYPES: NodeType[] = [
  {
    id: REROUTE,
    label: "Reroute",
    category: "layout",
    description: "A corner for a wire. The engine does not see it.",
    inputs: [{ ...plainInput, name: "", type: "*", widget: false }],
    outputs: [{ name: "", type: "*", tooltip: "" }],
    isOutput: false,
    deprecated: false,
    experimental: false,
  },
  {
    id: NOTE,
    label: "Note",
    category: "layout",
    description: "Text for whoever reads the graph. The engine does not see it.",
    inputs: [{ ...plainInput, name: "text", type: "STRING", widget: true, multiline: true, initial: "" }],
    outputs: [],
    isOutput: false,
    deprecated: false,
    experimental: false,
  },
];

export function parseNodeTypes(objectInfo: Json): NodeTypes {
  const types = new Map<string, NodeType>();
  for (const [id, entry] of Object.entries(isObject(objectInfo) ? objectInfo : {})) {
    if (isObject(entry)) types.set(id, parseType(id, entry));
  }
  for (const own of OWN_TYPES) types.set(own.id, own);
  return types;
}

const WIDGET_TYPES = new Set(["INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"]);
