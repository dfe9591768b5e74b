/** The nodes, groups and link ends of ComfyUI's editor form, read. */
import { CONTROLS, inputName, list, num } from "./editor_entries.ts";
import { isObject, type Json, type JsonObject } from "./exact_json.ts";
import { estimateSize } from "./geometry.ts";
import { freshId, type GraphNode, type Group, type Mode, NOTE, type NodeId, OUTPUTS, type Point, type SeedControl, type Subgraph, type SubgraphId } from "./model.ts";
import { type InputSpec, initialValues, type NodeType, type NodeTypes } from "./node_types.ts";

const LOOKS = ["color", "bgcolor", "shape"];

const MODES: Record<number, Mode> = { 2: "muted", 4: "bypassed" };

function point(value: Json | undefined): Point {
  if (Array.isArray(value)) return { x: num(value[0]), y: num(value[1]) };
  return isObject(value) ? { x: num(value[0]), y: num(value[1]) } : { x: 0, y: 0 };
}

export function widgetsOf(type: NodeType): InputSpec[] {
  return type.inputs.filter((input) => input.widget);
}

function readValues(type: NodeType, given: Json | undefined): [Record<string, Json>, SeedControl | undefined] {
  const values = initialValues(type);
  if (isObject(given)) {
    for (const input of widgetsOf(type)) if (given[input.name] !== undefined) values[input.name] = given[input.name]!;
    return [values, undefined];
  }
  const positional = list(given);
  let control: SeedControl | undefined;
  let at = 0;
  const read = (input: InputSpec): void => {
    const value = positional[at++];
    if (value === undefined || value === null) return;
    values[input.name] = value;
    const next = positional[at];
    if (!input.isSeed || typeof next !== "string" || !CONTROLS.includes(next)) return;
    control = next as SeedControl;
    ++at;
  };
  const widgets = widgetsOf(type);
  for (const input of widgets) if (input.required) read(input);
  // The upload button stands after the required fields.
  if (widgets.some((input) => input.imageUpload) && positional[at] === "image") ++at;
  for (const input of widgets) if (!input.required) read(input);
  return [values, control];
}

/**
 * Of the node that stands for a subgraph: each of its inputs that is a field has one value. Where there
 * are more values, a seed's control may follow it.
 */
function readOuterValues(entry: JsonObject): [Record<string, Json>, SeedControl | undefined] {
  const fields = list(entry.inputs).filter(isObject).filter((input) => isObject(input.widget));
  const given = list(entry.widgets_values);
  const values: Record<string, Json> = {};
  let at = 0;
  for (const field of fields) {
    const value = given[at++];
    if (value !== undefined && value !== null) values[String(field.name)] = value;
    const numbered = field.type === "INT" || field.type === "COMBO";
    if (given.length > fields.length && numbered && CONTROLS.includes(given[at] as string)) ++at;
  }
  const control = isObject(entry.properties) ? entry.properties.seed_control : undefined;
  return [values, CONTROLS.includes(control as string) ? (control as SeedControl) : undefined];
}

export type Slots = ReadonlyMap<SubgraphId, Pick<Subgraph, "name" | "inputs" | "outputs">>;

export function readNode(entry: JsonObject, types: NodeTypes, slots: Slots): GraphNode {
  const id = String(entry.id);
  const name = String(entry.type);
  const type = types.get(name);
  const [values, seedControl]: ReturnType<typeof readValues> = slots.has(name)
    ? readOuterValues(entry)
    : type
      ? readValues(type, entry.widgets_values)
      : [{}, undefined];
  if (name === "MarkdownNote" || (name === NOTE && values.text === undefined)) {
    values.text = list(entry.widgets_values)[0] ?? "";
  }
  const flags = isObject(entry.flags) ? entry.flags : {};
  const properties = isObject(entry.properties) ? entry.properties : {};
  const exposed = list(properties.exposed).filter((item): item is string => typeof item === "string");
  const size = point(entry.size);
  const look = Object.fromEntries(LOOKS.flatMap((name) => (entry[name] === undefined ? [] : [[name, entry[name]!]])));
  const resizable = type?.inputs.some((input) => input.multiline) && size.x > 60;
  const node: GraphNode = {
    id,
    type: name === "MarkdownNote" ? NOTE : name,
    at: point(entry.pos),
    values,
    mode: MODES[num(entry.mode)] ?? "active",
    ...(typeof entry.title === "string" && entry.title !== (slots.get(name)?.name ?? type?.label) ? { title: entry.title } : {}),
    ...(flags.collapsed === true ? { collapsed: true } : {}),
    ...(seedControl ? { seedControl } : {}),
    ...(exposed.length ? { exposed } : {}),
    ...(Object.keys(look).length ? { look } : {}),
  };
  if (!resizable) return node;
  // What was never resized was written with the size that it has anyway.
  const usual = estimateSize(node, types);
  if (usual.width === size.x && usual.height === size.y) return node;
  return { ...node, size: { width: Math.max(200, size.x), height: Math.max(80, size.y) } };
}

export function readGroups(json: JsonObject): Record<string, Group> {
  const groups: Record<string, Group> = {};
  for (const entry of list(json.groups)) {
    if (!isObject(entry)) continue;
    const [x, y, width, height] = list(entry.bounding).map(num);
    const id = freshId(groups);
    groups[id] = {
      id,
      title: String(entry.title ?? ""),
      at: { x: x ?? 0, y: y ?? 0 },
      size: { width: width ?? 200, height: height ?? 120 },
      ...(typeof entry.color === "string" ? { color: entry.color } : {}),
    };
  }
  return groups;
}

/** The end of a link at a slot: by name, and at a subgraph's boundary by that of the slot. */
export function linkEnd(target: JsonObject | undefined, to: NodeId, slot: number, types: NodeTypes, own: Pick<Subgraph, "outputs"> | undefined): string | undefined {
  if (own && to === OUTPUTS) return own.outputs[slot]?.name;
  return target && inputName(target, types.get(String(target.type)), slot);
}
