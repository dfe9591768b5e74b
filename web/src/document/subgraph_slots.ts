/** A subgraph's inputs and outputs: shown, taken away, renamed. */
import { type Command, connect, disconnect, together } from "./commands.ts";
import { type GraphDocument, type GraphNode, INPUTS, type Link, linkInto, linksOf, type NodeId, nodesOf, OUTPUTS, type Plane, type Slot, type Subgraph, type SubgraphId } from "./model.ts";
import { inputOf, type NodeTypes } from "./node_types.ts";
import { onAllPlanes, onPlane } from "./planes.ts";
import { ownName } from "./subgraph_types.ts";
import { randomUuid } from "./uuid.ts";
import { type Output, typeOfInput, typeOfOutput } from "./wiring.ts";

export const changeSubgraph =
  (id: SubgraphId, change: (subgraph: Subgraph) => Subgraph): Command =>
  (document) => {
    const subgraph = document.subgraphs[id];
    return subgraph ? { ...document, subgraphs: { ...document.subgraphs, [id]: change(subgraph) } } : document;
  };

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
