/** Which wires are possible, and what type runs through them. */
import { type GraphDocument, linkInto, linksOf, type NodeId, REROUTE } from "./model.ts";
import { inputOf, type NodeTypes, typesMatch } from "./node_types.ts";

export interface Output {
  readonly node: NodeId;
  readonly slot: number;
}

/** The output behind a chain of reroutes; none when the chain starts nowhere. */
export function sourceOf(document: GraphDocument, output: Output): Output | undefined {
  let at = output;
  for (let steps = 0; steps < 1000; ++steps) {
    const node = document.nodes[at.node];
    if (!node) return undefined;
    if (node.type !== REROUTE) return at;
    const link = linkInto(document, at.node, "");
    if (!link) return undefined;
    at = { node: link.from, slot: link.output };
  }
  return undefined;
}

/** "*" for a reroute that leads nowhere yet. */
export function typeOfOutput(document: GraphDocument, types: NodeTypes, output: Output): string {
  const source = sourceOf(document, output);
  if (!source) return "*";
  const type = types.get(document.nodes[source.node]?.type ?? "");
  return type?.outputs[source.slot]?.type ?? "*";
}

/** For a reroute, the type that what it feeds wants. */
export function typeOfInput(document: GraphDocument, types: NodeTypes, node: NodeId, input: string): string {
  const found = document.nodes[node];
  if (found?.type === REROUTE) {
    for (const link of linksOf(document)) {
      if (link.from !== node || link.to === node) continue;
      const wanted = typeOfInput(document, types, link.to, link.input);
      if (wanted !== "*") return wanted;
    }
    return "*";
  }
  return inputOf(types.get(found?.type ?? ""), input)?.type ?? "*";
}

/** Whether `to` is reached by walking down the wires from `from`. */
export function reaches(document: GraphDocument, from: NodeId, to: NodeId): boolean {
  const downstream = new Map<NodeId, NodeId[]>();
  for (const link of linksOf(document)) {
    const list = downstream.get(link.from);
    if (list) list.push(link.to);
    else downstream.set(link.from, [link.to]);
  }
  const seen = new Set<NodeId>([from]);
  const waiting = [from];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (at === to) return true;
    for (const next of downstream.get(at) ?? []) {
      if (!seen.has(next)) {
        seen.add(next);
        waiting.push(next);
      }
    }
  }
  return false;
}

/** Why a wire cannot be drawn; none when it can. */
export function refuseLink(
  document: GraphDocument,
  types: NodeTypes,
  from: Output,
  to: NodeId,
  input: string,
): string | undefined {
  if (from.node === to) return "A node cannot feed itself.";
  if (!document.nodes[from.node] || !document.nodes[to]) return "That node is gone.";
  if (reaches(document, to, from.node)) return "That would make a loop.";
  const given = typeOfOutput(document, types, from);
  const wanted = typeOfInput(document, types, to, input);
  if (!typesMatch(given, wanted)) return `${input || "This input"} takes ${wanted}, not ${given}.`;
  return undefined;
}
