/**
 * Opens up the subgraphs of an editor-form file: each node that stands for one is replaced by the
 * nodes inside it, wired through, inside a group of its name. Subgraphs may hold subgraphs.
 */
import { isObject, type Json, type JsonObject } from "./exact_json.ts";

const INPUTS = -10;
const OUTPUTS = -20;
const MOST_DEPTH = 32;

interface FlatLink {
  from: Json;
  output: number;
  to: Json;
  slot: number;
  type: Json;
}

const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);
const objects = (value: Json | undefined): JsonObject[] => list(value).filter(isObject);
const num = (value: Json | undefined): number => (typeof value === "number" ? value : 0);

function flatLink(entry: Json): FlatLink[] {
  if (Array.isArray(entry)) {
    return [{ from: entry[1]!, output: num(entry[2]), to: entry[3]!, slot: num(entry[4]), type: entry[5] ?? "*" }];
  }
  if (!isObject(entry)) return [];
  return [
    {
      from: entry.origin_id!,
      output: num(entry.origin_slot),
      to: entry.target_id!,
      slot: num(entry.target_slot),
      type: entry.type ?? "*",
    },
  ];
}

function corner(nodes: JsonObject[]): [number, number] {
  const places = nodes.map((node) => list(node.pos).map(num));
  return [Math.min(...places.map((place) => place[0] ?? 0)), Math.min(...places.map((place) => place[1] ?? 0))];
}

function extent(nodes: JsonObject[]): Json {
  const [left, top] = corner(nodes);
  let [right, bottom] = [left, top];
  for (const node of nodes) {
    const [x = 0, y = 0] = list(node.pos).map(num);
    const [width = 264, height = 120] = list(node.size).map(num);
    [right, bottom] = [Math.max(right, x + width), Math.max(bottom, y + height)];
  }
  return [left - 24, top - 80, right - left + 48, bottom - top + 104];
}

/** Values that the outer node carries for fields inside, by the input that they enter through. */
function overlayValues(inner: JsonObject[], links: FlatLink[], outer: JsonObject): void {
  const values = list(outer.widgets_values);
  let at = 0;
  for (const [slot, input] of objects(outer.inputs).entries()) {
    if (!isObject(input.widget)) continue;
    const value = values[at++];
    if (value === undefined || value === null) continue;
    for (const link of links.filter((candidate) => candidate.from === INPUTS && candidate.output === slot)) {
      const target = inner.find((node) => node.id === link.to);
      const field = target && objects(target.inputs)[link.slot];
      const name = field && isObject(field.widget) ? field.widget.name : undefined;
      if (!target || typeof name !== "string") continue;
      const fields = objects(target.inputs).filter((candidate) => isObject(candidate.widget));
      const place = fields.findIndex((candidate) => isObject(candidate.widget) && candidate.widget.name === name);
      const own = list(target.widgets_values);
      if (place >= 0 && fields.length === own.length) {
        target.widgets_values = own.map((old, index) => (index === place ? value : old));
      }
    }
  }
}

function openOne(json: JsonObject, outer: JsonObject, definition: JsonObject): JsonObject {
  const rename = (id: Json): Json => `${String(outer.id)}:${String(id)}`;
  const inside = objects(definition.nodes).map((node) => ({ ...node }));
  const insideLinks = list(definition.links).flatMap(flatLink);
  overlayValues(inside, insideLinks, outer);
  const [left, top] = inside.length ? corner(inside) : [0, 0];
  const [x = 0, y = 0] = list(outer.pos).map(num);
  const mode = num(outer.mode);
  const moved = inside.map((node): JsonObject => {
    const [nodeX = 0, nodeY = 0] = list(node.pos).map(num);
    return {
      ...node,
      id: rename(node.id ?? 0),
      pos: [nodeX - left + x, nodeY - top + y],
      ...(mode !== 0 ? { mode } : {}),
    };
  });

  const outside = list(json.links).flatMap(flatLink);
  const links: FlatLink[] = outside.filter((link) => link.from !== outer.id && link.to !== outer.id);
  const enters = (slot: number) => outside.find((link) => link.to === outer.id && link.slot === slot);
  for (const link of insideLinks) {
    const source = link.from === INPUTS ? enters(link.output) : { from: rename(link.from), output: link.output };
    if (!source) continue;
    if (link.to !== OUTPUTS) {
      links.push({ ...source, to: rename(link.to), slot: link.slot, type: link.type });
      continue;
    }
    for (const leaving of outside.filter((other) => other.from === outer.id && other.output === link.slot)) {
      links.push({ ...source, to: leaving.to, slot: leaving.slot, type: link.type });
    }
  }
  const title = String(outer.title ?? definition.name ?? "Subgraph");
  const group: JsonObject[] = moved.length ? [{ title, bounding: extent(moved) }] : [];
  return {
    ...json,
    nodes: [...objects(json.nodes).filter((node) => node !== outer), ...moved],
    links: links.map((link, index): Json => [index + 1, link.from, link.output, link.to, link.slot, link.type]),
    groups: [...list(json.groups), ...group],
  };
}

export function openSubgraphs(original: JsonObject): JsonObject {
  const definitions = new Map<Json, JsonObject>();
  const declared = isObject(original.definitions) ? original.definitions.subgraphs : undefined;
  for (const subgraph of objects(declared)) definitions.set(subgraph.id ?? null, subgraph);
  if (definitions.size === 0) return original;
  let json = original;
  for (let count = 0; count < MOST_DEPTH * 32; ++count) {
    const outer = objects(json.nodes).find((node) => definitions.has(node.type ?? null));
    if (!outer || String(outer.id).split(":").length > MOST_DEPTH) break;
    json = openOne(json, outer, definitions.get(outer.type ?? null)!);
  }
  return json;
}
