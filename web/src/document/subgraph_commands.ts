/** Making subgraphs, and changing what goes in and out of them. */
import { connect, disconnect, together, without, type Command } from "./commands.ts";
import { bounds, rectOf } from "./geometry.ts";
import {
  freshNodeId,
  INPUTS,
  isBoundary,
  linkInto,
  linksOf,
  nodesOf,
  OUTPUTS,
  type GraphDocument,
  type GraphNode,
  type GroupId,
  type Link,
  type NodeId,
  type Plane,
  type Size,
  type Slot,
  type Subgraph,
  type SubgraphId,
} from "./model.ts";
import { inputOf, type NodeTypes } from "./node_types.ts";
import { onAllPlanes, onPlane } from "./planes.ts";
import { inputsType, outputsType } from "./subgraph_types.ts";
import { randomUuid } from "./uuid.ts";
import { typeOfInput, typeOfOutput, type Output } from "./wiring.ts";

/** As ComfyUI tells equal names apart: `image`, `image_1`. */
function ownName(wanted: string, taken: readonly Slot[]): string {
  const used = new Set(taken.map(({ name }) => name));
  const base = wanted || "value";
  let name = base;
  for (let count = 1; used.has(name); ++count) name = `${base}_${count}`;
  return name;
}

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

const changeSubgraph =
  (id: SubgraphId, change: (subgraph: Subgraph) => Subgraph): Command =>
  (document) => {
    const subgraph = document.subgraphs[id];
    return subgraph ? { ...document, subgraphs: { ...document.subgraphs, [id]: change(subgraph) } } : document;
  };

export const renameSubgraph = (id: SubgraphId, name: string): Command => changeSubgraph(id, (subgraph) => ({ ...subgraph, name: name.trim() || subgraph.name }));

/** The slot that feeds an input of a node inside, if one does. */
export function slotInto(plane: Plane, subgraph: Subgraph, node: NodeId, input: string): Slot | undefined {
  const link = linkInto(plane, node, input);
  return link?.from === INPUTS ? subgraph.inputs[link.output] : undefined;
}

/** Shows an input of a node inside on the subgraph's own node; its value there is the one that it has inside. */
export const exposeInput =
  (id: SubgraphId, types: NodeTypes, node: NodeId, input: string): Command =>
  (document) => {
    const subgraph = document.subgraphs[id];
    const target = subgraph?.nodes[node];
    if (!subgraph || !target) return document;
    const plane: GraphDocument = { ...subgraph, subgraphs: document.subgraphs };
    const slot: Slot = { id: randomUuid(), name: ownName(input, subgraph.inputs), type: typeOfInput(plane, types, node, input) };
    const value = inputOf(types.get(target.type), input)?.widget ? target.values[input] : undefined;
    const withValue = (outer: GraphNode): GraphNode =>
      outer.type === id && value !== undefined ? { ...outer, values: { ...outer.values, [slot.name]: value } } : outer;
    return together(
      changeSubgraph(id, (before) => ({ ...before, inputs: [...before.inputs, slot] })),
      onPlane(id, connect({ node: INPUTS, slot: subgraph.inputs.length }, node, input)),
      onAllPlanes((each) => ({ ...each, nodes: Object.fromEntries(nodesOf(each).map((outer) => [outer.id, withValue(outer)])) })),
    )(document);
  };

export const exposeOutput =
  (id: SubgraphId, types: NodeTypes, from: Output): Command =>
  (document) => {
    const subgraph = document.subgraphs[id];
    if (!subgraph) return document;
    const plane: GraphDocument = { ...subgraph, subgraphs: document.subgraphs };
    const type = typeOfOutput(plane, types, from);
    const wanted = types.get(subgraph.nodes[from.node]?.type ?? "")?.outputs[from.slot]?.name || type;
    const slot: Slot = { id: randomUuid(), name: ownName(wanted, subgraph.outputs), type };
    return together(
      changeSubgraph(id, (before) => ({ ...before, outputs: [...before.outputs, slot] })),
      onPlane(id, connect(from, OUTPUTS, slot.name)),
    )(document);
  };

/** Takes the `place`th output of `node` off every wire of a plane; those after it move up. */
function withoutOutput(plane: GraphDocument, isIt: (node: GraphNode | undefined) => boolean, place: number): GraphDocument {
  const links: Record<string, Link> = {};
  for (const link of linksOf(plane)) {
    const ours = isIt(plane.nodes[link.from]);
    if (ours && link.output === place) continue;
    links[link.id] = ours && link.output > place ? { ...link, output: link.output - 1 } : link;
  }
  return { ...plane, links };
}

export const removeInput =
  (id: SubgraphId, name: string): Command =>
  (document) => {
    const place = document.subgraphs[id]?.inputs.findIndex((slot) => slot.name === name) ?? -1;
    if (place < 0) return document;
    const outside: Command = (plane) =>
      disconnect(linksOf(plane).flatMap((link) => (plane.nodes[link.to]?.type === id && link.input === name ? [link.id] : [])))(plane);
    return together(
      changeSubgraph(id, (before) => ({ ...before, inputs: before.inputs.filter((slot) => slot.name !== name) })),
      onPlane(id, (plane) => withoutOutput(plane, (node) => node?.id === INPUTS, place)),
      onAllPlanes(outside),
    )(document);
  };

export const removeOutput =
  (id: SubgraphId, name: string): Command =>
  (document) => {
    const place = document.subgraphs[id]?.outputs.findIndex((slot) => slot.name === name) ?? -1;
    if (place < 0) return document;
    const inside: Command = (plane) =>
      disconnect(linksOf(plane).flatMap((link) => (link.to === OUTPUTS && link.input === name ? [link.id] : [])))(plane);
    return together(
      changeSubgraph(id, (before) => ({ ...before, outputs: before.outputs.filter((slot) => slot.name !== name) })),
      onPlane(id, inside),
      onAllPlanes((plane) => withoutOutput(plane, (node) => node?.type === id, place)),
    )(document);
  };

const renamed = (slots: readonly Slot[], from: string, to: string): Slot[] => slots.map((slot) => (slot.name === from ? { ...slot, name: to } : slot));

const inputRenamed = (plane: GraphDocument, isIt: (node: NodeId) => boolean, from: string, to: string): GraphDocument => ({
  ...plane,
  links: Object.fromEntries(
    linksOf(plane).map((link) => [link.id, isIt(link.to) && link.input === from ? { ...link, input: to } : link]),
  ),
});

/** A name that is taken gets a number. */
export const renameInput =
  (id: SubgraphId, from: string, wanted: string): Command =>
  (document) => {
    const subgraph = document.subgraphs[id];
    if (!subgraph || from === wanted || !wanted.trim()) return document;
    const to = ownName(wanted.trim(), subgraph.inputs);
    const valueRenamed = (node: GraphNode): GraphNode => {
      if (node.type !== id || node.values[from] === undefined) return node;
      const { [from]: value, ...others } = node.values;
      return { ...node, values: { ...others, [to]: value! } };
    };
    return together(
      changeSubgraph(id, (before) => ({ ...before, inputs: renamed(before.inputs, from, to) })),
      onAllPlanes((plane) => inputRenamed(plane, (node) => plane.nodes[node]?.type === id, from, to)),
      onAllPlanes((plane) => ({ ...plane, nodes: Object.fromEntries(nodesOf(plane).map((node) => [node.id, valueRenamed(node)])) })),
    )(document);
  };

export const renameOutput =
  (id: SubgraphId, from: string, wanted: string): Command =>
  (document) => {
    const subgraph = document.subgraphs[id];
    if (!subgraph || from === wanted || !wanted.trim()) return document;
    const to = ownName(wanted.trim(), subgraph.outputs);
    return together(
      changeSubgraph(id, (before) => ({ ...before, outputs: renamed(before.outputs, from, to) })),
      onPlane(id, (plane) => inputRenamed(plane, (node) => node === OUTPUTS, from, to)),
    )(document);
  };
