/**
 * ComfyUI's editor form (workflow.json, version 0.4): nodes with places, links by slot, groups.
 * Widget values are positional, with a seed's control and an upload button counted in between.
 * Subgraphs are opened up when read: their nodes join the graph, inside a group of their name.
 */
import { isObject, type Json, type JsonObject } from "./exact_json.ts";
import {
  freshId,
  linksOf,
  nodesOf,
  NOTE,
  REROUTE,
  type GraphDocument,
  type GraphNode,
  type Group,
  type Link,
  type Mode,
  type NodeId,
  type Point,
  type SeedControl,
  type Size,
} from "./model.ts";
import { initialValues, type InputSpec, type NodeType, type NodeTypes } from "./node_types.ts";
import { openSubgraphs } from "./subgraphs.ts";
import { typeOfInput, typeOfOutput } from "./wiring.ts";

const MODES: Record<number, Mode> = { 2: "muted", 4: "bypassed" };
const MODE_NUMBERS: Record<Mode, number> = { active: 0, muted: 2, bypassed: 4 };
const CONTROLS = ["fixed", "increment", "decrement", "randomize"];
const PRIMITIVE = "PrimitiveNode";

export function isEditorForm(json: Json): json is JsonObject {
  return isObject(json) && Array.isArray(json.nodes) && Array.isArray(json.links);
}

const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);
const num = (value: Json | undefined): number => (typeof value === "number" ? value : 0);

function point(value: Json | undefined): Point {
  if (Array.isArray(value)) return { x: num(value[0]), y: num(value[1]) };
  return isObject(value) ? { x: num(value[0]), y: num(value[1]) } : { x: 0, y: 0 };
}

function widgetsOf(type: NodeType): InputSpec[] {
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
  for (const input of widgetsOf(type)) {
    const value = positional[at++];
    if (value === undefined || value === null) continue;
    values[input.name] = value;
    const next = positional[at];
    if (input.isSeed && typeof next === "string" && CONTROLS.includes(next)) {
      control = next as SeedControl;
      ++at;
    } else if (input.imageUpload && next === "image") {
      ++at;
    }
  }
  return [values, control];
}

function readNode(entry: JsonObject, types: NodeTypes): GraphNode {
  const id = String(entry.id);
  const name = String(entry.type);
  const type = types.get(name);
  const [values, seedControl]: ReturnType<typeof readValues> = type ? readValues(type, entry.widgets_values) : [{}, undefined];
  if (name === "MarkdownNote" || (name === NOTE && values.text === undefined)) {
    values.text = list(entry.widgets_values)[0] ?? "";
  }
  const flags = isObject(entry.flags) ? entry.flags : {};
  const properties = isObject(entry.properties) ? entry.properties : {};
  const exposed = list(properties.exposed).filter((item): item is string => typeof item === "string");
  const size = point(entry.size);
  const resizable = type?.inputs.some((input) => input.multiline) && size.x > 60;
  return {
    id,
    type: name === "MarkdownNote" ? NOTE : name,
    at: point(entry.pos),
    values,
    mode: MODES[num(entry.mode)] ?? "active",
    ...(resizable ? { size: { width: Math.max(200, size.x), height: Math.max(80, size.y) } } : {}),
    ...(typeof entry.title === "string" && entry.title !== type?.label ? { title: entry.title } : {}),
    ...(flags.collapsed === true ? { collapsed: true } : {}),
    ...(seedControl ? { seedControl } : {}),
    ...(exposed.length ? { exposed } : {}),
  };
}

/** A link as [id, from, slot, to, slot, type], or an object of those in newer files. */
function readLink(entry: Json): { id: string; from: NodeId; output: number; to: NodeId; slot: number } | undefined {
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
function inputName(entry: JsonObject, type: NodeType | undefined, slot: number): string | undefined {
  if (entry.type === REROUTE) return "";
  const declared = list(entry.inputs)[slot];
  if (isObject(declared)) {
    const widget = isObject(declared.widget) ? declared.widget.name : undefined;
    return String(widget ?? declared.name);
  }
  return type?.inputs.filter((input) => !input.widget)[slot]?.name;
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
    };
  }
  return groups;
}

export function fromEditorForm(original: JsonObject, types: NodeTypes): GraphDocument {
  const json = openSubgraphs(original);
  const entries = list(json.nodes).filter(isObject);
  const byId = new Map(entries.map((entry) => [String(entry.id), entry]));
  const nodes: Record<NodeId, GraphNode> = {};
  for (const entry of entries) if (entry.type !== PRIMITIVE) nodes[String(entry.id)] = readNode(entry, types);
  const links: Record<string, Link> = {};
  for (const raw of list(json.links)) {
    const link = readLink(raw);
    const target = link && byId.get(link.to);
    const source = link && byId.get(link.from);
    if (!link || !target || !source) continue;
    const input = inputName(target, types.get(String(target.type)), link.slot);
    if (input === undefined) continue;
    if (source.type === PRIMITIVE) {
      const node = nodes[link.to];
      const value = list(source.widgets_values)[0];
      if (node && value !== undefined) nodes[link.to] = { ...node, values: { ...node.values, [input]: value } };
      continue;
    }
    links[link.id] = { id: link.id, from: link.from, output: link.output, to: link.to, input };
  }
  return { nodes, links, groups: readGroups(json) };
}

const idOf = (id: string): number | string => (/^\d+$/.test(id) ? Number(id) : id);

function widgetValues(node: GraphNode, type: NodeType): Json[] {
  const values: Json[] = [];
  for (const input of widgetsOf(type)) {
    values.push(node.values[input.name] ?? input.initial ?? null);
    if (input.isSeed) values.push(node.seedControl ?? "fixed");
    if (input.imageUpload) values.push("image");
  }
  return values;
}

/** The inputs that have a slot in the file: sockets, then fields that a wire feeds. */
function slotsOf(document: GraphDocument, node: GraphNode, types: NodeTypes): { name: string; type: string; widget: boolean }[] {
  if (node.type === REROUTE) return [{ name: "", type: typeOfInput(document, types, node.id, ""), widget: false }];
  const type = types.get(node.type);
  const linked = linksOf(document).filter((link) => link.to === node.id).map((link) => link.input);
  if (!type) return linked.map((name) => ({ name, type: "*", widget: false }));
  return [
    ...type.inputs.filter((input) => !input.widget),
    ...type.inputs.filter((input) => input.widget && linked.includes(input.name)),
  ];
}

export function toEditorForm(document: GraphDocument, types: NodeTypes, measured?: ReadonlyMap<NodeId, Size>): JsonObject {
  const slots = new Map(nodesOf(document).map((node) => [node.id, slotsOf(document, node, types)]));
  const all = linksOf(document);
  const nodes = nodesOf(document).map((node, order): JsonObject => {
    const type = types.get(node.type);
    const size = node.size ?? measured?.get(node.id) ?? { width: 264, height: 120 };
    const properties: JsonObject = { "Node name for S&R": node.type };
    if (node.exposed?.length) properties.exposed = [...node.exposed];
    return {
      id: idOf(node.id),
      type: node.type,
      pos: [node.at.x, node.at.y],
      size: [size.width, size.height],
      flags: node.collapsed ? { collapsed: true } : {},
      order,
      mode: MODE_NUMBERS[node.mode],
      inputs: slots.get(node.id)!.map((slot) => ({
        name: slot.name,
        type: slot.type,
        ...(slot.widget ? { widget: { name: slot.name } } : {}),
        link: linkNumber(all.find((link) => link.to === node.id && link.input === slot.name)),
      })),
      outputs: (type?.outputs ?? []).map((output, index) => ({
        name: output.name,
        type: node.type === REROUTE ? typeOfOutput(document, types, { node: node.id, slot: 0 }) : output.type,
        links: all.filter((link) => link.from === node.id && link.output === index).map((link) => idOf(link.id)),
        slot_index: index,
      })),
      properties,
      widgets_values: type ? widgetValues(node, type) : [],
      ...(node.title ? { title: node.title } : {}),
    };
  });
  const links = all.flatMap((link): Json[] => {
    const slot = slots.get(link.to)?.findIndex((candidate) => candidate.name === link.input) ?? -1;
    if (slot < 0) return [];
    const type = typeOfOutput(document, types, { node: link.from, slot: link.output });
    return [[idOf(link.id), idOf(link.from), link.output, idOf(link.to), slot, type]];
  });
  return {
    last_node_id: Number(freshId(document.nodes)) - 1,
    last_link_id: Number(freshId(document.links)) - 1,
    nodes,
    links,
    groups: Object.values(document.groups).map((group) => ({
      title: group.title,
      bounding: [group.at.x, group.at.y, group.size.width, group.size.height],
      color: group.color ?? "#3f789e",
      flags: {},
    })),
    config: {},
    extra: {},
    version: 0.4,
  };
}

function linkNumber(link: Link | undefined): Json {
  return link ? idOf(link.id) : null;
}
