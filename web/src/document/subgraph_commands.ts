/** Making subgraphs, and changing what goes in and out of them. */
import { type Command, connect, together, without } from "./commands.ts";
import { bounds, rectOf } from "./geometry.ts";
import { freshNodeId, type GraphDocument, type GraphNode, type GroupId, INPUTS, isBoundary, type Link, linksOf, type NodeId, OUTPUTS, type Size, type Slot, type Subgraph, type SubgraphId } from "./model.ts";
import type { NodeTypes } from "./node_types.ts";
import { changeSubgraph } from "./subgraph_slots.ts";
import { inputsType, outputsType, ownName } from "./subgraph_types.ts";
import { randomUuid } from "./uuid.ts";
import { typeOfOutput } from "./wiring.ts";

const boundaryNode = (id: NodeId, type: string, x: number, y: number): GraphNode => ({ id, type, at: { x, y }, values: {}, mode: "active" });

/** The two boundary nodes left and right of what is inside. */
export function boundaryNodes(id: SubgraphId, inputsAt: readonly [number, number], outputsAt: readonly [number, number]): Record<NodeId, GraphNode> {
  return {
    [INPUTS]: boundaryNode(INPUTS, inputsType(id), ...inputsAt),
    [OUTPUTS]: boundaryNode(OUTPUTS, outputsType(id), ...outputsAt),
  };
}

/** One slot for each output that reaches across, however many inputs it feeds. */
function slotsAcross(links: readonly Link[], nameOf: (link: Link) => string, typeOf: (link: Link) => string): [Slot[], Map<string, number>] {
  const slots: Slot[] = [];
  const places = new Map<string, number>();
  for (const link of links) {
    const key = `${link.from} ${link.output}`;
    if (places.has(key)) continue;
    places.set(key, slots.length);
    slots.push({ id: randomUuid(), name: ownName(nameOf(link), slots), type: typeOf(link) });
  }
  return [slots, places];
}

interface Making {
  readonly types: NodeTypes;
  readonly name: string;
  readonly measured?: ReadonlyMap<NodeId, Size>;
}

/** Puts nodes into a new subgraph; returns the id of the node that stands in their place, none where nothing can be. */
export function makeSubgraph(document: GraphDocument, ids: readonly NodeId[], groups: readonly GroupId[], { types, name, measured }: Making): [GraphDocument, NodeId | undefined] {
  const inner = new Set(ids.filter((id) => document.nodes[id] && !isBoundary(id)));
  if (inner.size === 0) return [document, undefined];
  const all = linksOf(document);
  const entering = all.filter((link) => inner.has(link.to) && !inner.has(link.from));
  const leaving = all.filter((link) => inner.has(link.from) && !inner.has(link.to));
  const typeOf = (link: Link) => typeOfOutput(document, types, { node: link.from, slot: link.output });
  const [inputs, inputPlaces] = slotsAcross(entering, (link) => link.input, typeOf);
  const outputName = (link: Link) => types.get(document.nodes[link.from]!.type)?.outputs[link.output]?.name || typeOf(link);
  const [outputs, outputPlaces] = slotsAcross(leaving, outputName, typeOf);
  const placeOf = (places: Map<string, number>, link: Link): number => places.get(`${link.from} ${link.output}`)!;

  const id = randomUuid();
  const area = bounds([...inner].map((each) => rectOf(document.nodes[each]!, types, measured?.get(each))));
  const middle = Math.round(area.y + area.height / 2);
  const nodes = boundaryNodes(id, [Math.round(area.x) - 260, middle - 60], [Math.round(area.x + area.width) + 100, middle - 60]);
  for (const each of inner) nodes[each] = document.nodes[each]!;
  const links = without(document.links, (link) => !inner.has(link.from) || !inner.has(link.to));
  let inside: GraphDocument = { nodes, links, groups: {}, subgraphs: {} };
  for (const link of entering) inside = connect({ node: INPUTS, slot: placeOf(inputPlaces, link) }, link.to, link.input)(inside);
  for (const link of leaving) inside = connect({ node: link.from, slot: link.output }, OUTPUTS, outputs[placeOf(outputPlaces, link)]!.name)(inside);
  const within = Object.fromEntries(groups.flatMap((group) => (document.groups[group] ? [[group, document.groups[group]]] : [])));
  const subgraph: Subgraph = { id, name, inputs, outputs, nodes: inside.nodes, links: inside.links, groups: within };

  const outer = freshNodeId(document);
  // Where the largest of them was there is room.
  const largest = [...inner].map((each) => rectOf(document.nodes[each]!, types, measured?.get(each))).reduce((a, b) => (b.width * b.height > a.width * a.height ? b : a));
  const at = { x: largest.x, y: largest.y };
  const outside: GraphDocument = {
    nodes: { ...without(document.nodes, (node) => inner.has(node.id)), [outer]: { id: outer, type: id, at, values: {}, mode: "active" } },
    links: without(document.links, (link) => inner.has(link.from) || inner.has(link.to)),
    groups: without(document.groups, (group) => within[group.id] !== undefined),
    subgraphs: { ...document.subgraphs, [id]: subgraph },
  };
  const wires = [
    ...entering.map((link) => connect({ node: link.from, slot: link.output }, outer, inputs[placeOf(inputPlaces, link)]!.name)),
    ...leaving.map((link) => connect({ node: outer, slot: placeOf(outputPlaces, link) }, link.to, link.input)),
  ];
  return [together(...wires)(outside), outer];
}

export const renameSubgraph = (id: SubgraphId, name: string): Command => changeSubgraph(id, (subgraph) => ({ ...subgraph, name: name.trim() || subgraph.name }));

