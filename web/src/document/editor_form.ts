/**
 * Reads ComfyUI's editor form (workflow.json, version 0.4): nodes with places, links by slot, groups.
 * Widget values are positional, with a seed's control and an upload button counted in between; the
 * node of a subgraph has one for each of its inputs that are fields.
 */
import { CONTROLS, inputName, list, num, PRIMITIVE, readLink, subgraphEntries } from "./editor_entries.ts";
import { isObject, type Json, type JsonObject } from "./exact_json.ts";
import { estimateSize } from "./geometry.ts";
import {
  freshId,
  INPUTS,
  NOTE,
  OUTPUTS,
  type GraphDocument,
  type GraphNode,
  type Group,
  type Link,
  type Mode,
  type NodeId,
  type Plane,
  type Point,
  type SeedControl,
  type Slot,
  type Subgraph,
  type SubgraphId,
} from "./model.ts";
import { initialValues, type InputSpec, type NodeType, type NodeTypes } from "./node_types.ts";
import { together } from "./commands.ts";
import { promoteFields } from "./promoted_fields.ts";
import { boundaryNodes, renameInput, renameOutput } from "./subgraph_commands.ts";
import { randomUuid } from "./uuid.ts";

const LOOKS = ["color", "bgcolor", "shape"];
const MODES: Record<number, Mode> = { 2: "muted", 4: "bypassed" };

export function isEditorForm(json: Json): json is JsonObject {
  return isObject(json) && Array.isArray(json.nodes) && Array.isArray(json.links);
}

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

type Slots = ReadonlyMap<SubgraphId, Pick<Subgraph, "name" | "inputs" | "outputs">>;

function readNode(entry: JsonObject, types: NodeTypes, slots: Slots): GraphNode {
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

function readGroups(json: JsonObject): Record<string, Group> {
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
function linkEnd(target: JsonObject | undefined, to: NodeId, slot: number, types: NodeTypes, own: Pick<Subgraph, "outputs"> | undefined): string | undefined {
  if (own && to === OUTPUTS) return own.outputs[slot]?.name;
  return target && inputName(target, types.get(String(target.type)), slot);
}

function readPlane(json: JsonObject, types: NodeTypes, slots: Slots, own?: Pick<Subgraph, "outputs">): Plane {
  const entries = list(json.nodes).filter(isObject);
  const byId = new Map(entries.map((entry) => [String(entry.id), entry]));
  const nodes: Record<NodeId, GraphNode> = {};
  for (const entry of entries) if (entry.type !== PRIMITIVE) nodes[String(entry.id)] = readNode(entry, types, slots);
  const links: Record<string, Link> = {};
  for (const raw of list(json.links)) {
    const link = readLink(raw);
    if (!link) continue;
    const source = byId.get(link.from);
    const input = linkEnd(byId.get(link.to), link.to, link.slot, types, own);
    if (input === undefined || (!source && !(own && link.from === INPUTS))) continue;
    if (source?.type === PRIMITIVE) {
      const node = nodes[link.to];
      const value = list(source.widgets_values)[0];
      if (node && value !== undefined) nodes[link.to] = { ...node, values: { ...node.values, [input]: value } };
      continue;
    }
    links[link.id] = { id: link.id, from: link.from, output: link.output, to: link.to, input };
  }
  return { nodes, links, groups: readGroups(json) };
}

function readSlots(value: Json | undefined): Slot[] {
  return list(value)
    .filter(isObject)
    .map((slot) => ({ id: String(slot.id ?? randomUuid()), name: String(slot.name ?? ""), type: String(slot.type ?? "*") }));
}

function readSubgraph(json: JsonObject, types: NodeTypes, slots: Slots): Subgraph {
  const id = String(json.id);
  const own = slots.get(id)!;
  const corner = (node: Json | undefined): readonly [number, number] => {
    const [x, y] = list(isObject(node) ? node.bounding : undefined).map(num);
    return [x ?? 0, y ?? 0];
  };
  const plane = readPlane(json, types, slots, own);
  const boundary = boundaryNodes(id, corner(json.inputNode), corner(json.outputNode));
  return { ...plane, id, ...own, nodes: { ...plane.nodes, ...boundary } };
}

/** The names that people gave to slots, in place of those that the file tells them apart by. */
function withLabels(document: GraphDocument, declared: readonly JsonObject[]): GraphDocument {
  const renamings = declared.flatMap((each) =>
    ([["inputs", renameInput], ["outputs", renameOutput]] as const).flatMap(([side, rename]) =>
      list(each[side])
        .filter(isObject)
        .flatMap(({ name, label }) => (typeof label === "string" && label ? [rename(String(each.id), String(name ?? ""), label)] : [])),
    ),
  );
  return together(...renamings)(document);
}

export function fromEditorForm(json: JsonObject, types: NodeTypes): GraphDocument {
  const declared = subgraphEntries(json);
  const head = (each: JsonObject) => ({ name: String(each.name ?? "Subgraph"), inputs: readSlots(each.inputs), outputs: readSlots(each.outputs) });
  const slots: Slots = new Map(declared.map((each) => [String(each.id), head(each)]));
  const subgraphs = Object.fromEntries(declared.map((each) => [String(each.id), readSubgraph(each, types, slots)]));
  const document = { ...readPlane(json, types, slots), subgraphs };
  return withLabels(promoteFields(document, json, types), declared);
}
