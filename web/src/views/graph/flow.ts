/** The document as @xyflow/react draws it. Nodes and edges that did not change keep their identity. */
import type { Edge, Node } from "@xyflow/react";
import { type GraphDocument, type GraphNode, type Group, INPUTS, isBoundary, type Link, linksOf, nodesOf, REROUTE, type Size } from "../../document/model.ts";
import type { NodeType, NodeTypes } from "../../document/node_types.ts";
import { typeOfOutput } from "../../document/wiring.ts";
import { wireColor } from "./wire_color.ts";

/**
 * `linked`: inputs with a wire, each followed by a comma; `outside`: those among them that are the
 * subgraph's own; the type that runs through, for reroutes.
 */
export type CardNode = Node<
  { node: GraphNode; type: NodeType | undefined; linked: string; outside: string; carries: string },
  "card" | "reroute" | "boundary"
>;
export type GroupNode = Node<{ group: Group }, "group">;
export type FlowNode = CardNode | GroupNode;

export const groupFlowId = (id: string): string => `group:${id}`;

function linkedInputs(links: readonly Link[]): Map<string, string> {
  const linked = new Map<string, string>();
  for (const link of links) linked.set(link.to, `${linked.get(link.to) ?? ""}${link.input},`);
  return linked;
}

const kindOf = (node: GraphNode) => (node.type === REROUTE ? "reroute" : isBoundary(node.id) ? "boundary" : "card");

export function flowNodes(document: GraphDocument, types: NodeTypes, before: readonly FlowNode[]): FlowNode[] {
  const known = new Map(before.map((node) => [node.id, node]));
  const links = linksOf(document);
  const linked = linkedInputs(links);
  const fromOutside = linkedInputs(links.filter((link) => link.from === INPUTS));
  const result: FlowNode[] = [];
  for (const group of Object.values(document.groups)) {
    const id = groupFlowId(group.id);
    const old = known.get(id) as GroupNode | undefined;
    if (old?.data.group === group) result.push(old);
    else {
      result.push({
        ...old,
        id,
        type: "group",
        position: group.at,
        width: group.size.width,
        height: group.size.height,
        zIndex: -1,
        data: { group },
      });
    }
  }
  for (const node of nodesOf(document)) {
    const old = known.get(node.id) as CardNode | undefined;
    const inputs = linked.get(node.id) ?? "";
    const outside = fromOutside.get(node.id) ?? "";
    const type = types.get(node.type);
    const carries = node.type === REROUTE ? typeOfOutput(document, types, { node: node.id, slot: 0 }) : "";
    const same = old?.data.node === node && old.data.type === type && old.data.linked === inputs && old.data.outside === outside;
    if (same && old.data.carries === carries) {
      result.push(old);
      continue;
    }
    const size = node.size && !node.collapsed ? node.size : undefined;
    result.push({
      ...old,
      id: node.id,
      type: kindOf(node),
      position: node.at,
      width: size?.width,
      height: size?.height,
      data: { node, type, linked: inputs, outside, carries },
    });
  }
  return result;
}

export function flowEdges(document: GraphDocument, types: NodeTypes, before: readonly Edge[]): Edge[] {
  const known = new Map(before.map((edge) => [edge.id, edge]));
  return linksOf(document).map((link) => {
    const stroke = wireColor(typeOfOutput(document, types, { node: link.from, slot: link.output }));
    const targetHandle = `in:${link.input}`;
    const sourceHandle = `out:${link.output}`;
    const old = known.get(link.id);
    const same =
      old?.source === link.from &&
      old.target === link.to &&
      old.sourceHandle === sourceHandle &&
      old.targetHandle === targetHandle &&
      old.style?.stroke === stroke;
    if (same) return old;
    return { ...old, id: link.id, source: link.from, sourceHandle, target: link.to, targetHandle, style: { stroke } };
  });
}

export function measuredSizes(nodes: readonly FlowNode[]): Map<string, Size> {
  const sizes = new Map<string, Size>();
  for (const node of nodes) {
    const { width, height } = node.measured ?? {};
    if (width && height && node.type !== "group") sizes.set(node.id, { width, height });
  }
  return sizes;
}
