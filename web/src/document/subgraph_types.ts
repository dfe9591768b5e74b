/** The node types that a document's subgraphs make: of the node that stands for each, and of its two boundary nodes. */
import { INPUTS, linksOf, nodesOf, type Slot, type Subgraph, type SubgraphId } from "./model.ts";
import { type InputSpec, inputOf, type NodeType, type NodeTypes } from "./node_types.ts";

export const inputsType = (id: SubgraphId): string => `${id}/inputs`;
export const outputsType = (id: SubgraphId): string => `${id}/outputs`;

export const SUBGRAPHS_CATEGORY = "subgraphs";

const plainSocket = (slot: Slot, required: boolean): InputSpec => ({
  name: slot.name,
  type: slot.type,
  required,
  widget: false,
  multiline: false,
  tooltip: "",
  isSeed: false,
  imageUpload: false,
});

/** A slot that feeds a field is that field, with the value inside as its own first one. */
function inputSpec(subgraph: Subgraph, slot: Slot, index: number, types: NodeTypes): InputSpec {
  const link = linksOf(subgraph).find((candidate) => candidate.from === INPUTS && candidate.output === index);
  const target = link && subgraph.nodes[link.to];
  const spec = link && target ? inputOf(types.get(target.type), link.input) : undefined;
  if (!spec?.widget || !target || !link) return plainSocket(slot, spec?.required ?? false);
  return { ...spec, name: slot.name, required: false, initial: target.values[link.input] ?? spec.initial };
}

const plainType = { category: "", description: "", isOutput: false, deprecated: false, experimental: false };

function addTypes(all: Map<string, NodeType>, subgraph: Subgraph): void {
  const socket = (slot: Slot) => ({ name: slot.name, type: slot.type, tooltip: "" });
  all.set(subgraph.id, {
    ...plainType,
    id: subgraph.id,
    label: subgraph.name,
    category: SUBGRAPHS_CATEGORY,
    description: `${nodesOf(subgraph).length - 2} nodes`,
    isOutput: nodesOf(subgraph).some((node) => all.get(node.type)?.isOutput),
    inputs: subgraph.inputs.map((slot, index) => inputSpec(subgraph, slot, index, all)),
    outputs: subgraph.outputs.map(socket),
  });
  all.set(inputsType(subgraph.id), { ...plainType, id: inputsType(subgraph.id), label: "Inputs", inputs: [], outputs: subgraph.inputs.map(socket) });
  all.set(outputsType(subgraph.id), {
    ...plainType,
    id: outputsType(subgraph.id),
    label: "Outputs",
    inputs: subgraph.outputs.map((slot) => plainSocket(slot, false)),
    outputs: [],
  });
}

type Subgraphs = Readonly<Record<SubgraphId, Subgraph>>;
const cache = new WeakMap<Subgraphs, readonly [NodeTypes, NodeTypes]>();

/** The same map for the same subgraphs. */
export function withSubgraphs(subgraphs: Subgraphs, types: NodeTypes): NodeTypes {
  const list = Object.values(subgraphs);
  if (list.length === 0) return types;
  const known = cache.get(subgraphs);
  if (known?.[0] === types) return known[1];
  const all = new Map(types);
  const way = new Set<SubgraphId>();
  // What a subgraph's inputs are depends on the subgraphs inside it.
  const visit = (subgraph: Subgraph): void => {
    if (way.has(subgraph.id)) return;
    way.add(subgraph.id);
    for (const { type } of nodesOf(subgraph)) if (subgraphs[type]) visit(subgraphs[type]);
    addTypes(all, subgraph);
  };
  for (const subgraph of list) visit(subgraph);
  cache.set(subgraphs, [types, all]);
  return all;
}

/** As ComfyUI tells equal names apart: `image`, `image_1`. */
export function ownName(wanted: string, taken: readonly Slot[]): string {
  const used = new Set(taken.map(({ name }) => name));
  const base = wanted || "value";
  let name = base;
  for (let count = 1; used.has(name); ++count) name = `${base}_${count}`;
  return name;
}
