/**
 * Reads ComfyUI's editor form (workflow.json, version 0.4): nodes with places, links by slot, groups.
 * Widget values are positional, with a seed's control and an upload button counted in between; the
 * node of a subgraph has one for each of its inputs that are fields.
 */
import { together } from "./commands.ts";
import { list, num, PRIMITIVE, readLink, subgraphEntries } from "./editor_entries.ts";
import { linkEnd, readGroups, readNode, type Slots } from "./editor_nodes.ts";
import { isObject, type Json, type JsonObject } from "./exact_json.ts";
import { type GraphDocument, type GraphNode, INPUTS, type Link, type NodeId, type Plane, type Slot, type Subgraph } from "./model.ts";
import type { NodeTypes } from "./node_types.ts";
import { promoteFields } from "./promoted_fields.ts";
import { boundaryNodes } from "./subgraph_commands.ts";
import { renameInput, renameOutput } from "./subgraph_slots.ts";
import { randomUuid } from "./uuid.ts";

export function isEditorForm(json: Json): json is JsonObject {
  return isObject(json) && Array.isArray(json.nodes) && Array.isArray(json.links);
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
