import * as command from "../../document/commands.ts";
import { frameAround, rectOf } from "../../document/geometry.ts";
import { layOut } from "../../document/layout.ts";
import { freshId, freshNodeId, type Mode, type NodeId, type Point, REROUTE, type Size } from "../../document/model.ts";
import type { NodeType, NodeTypes } from "../../document/node_types.ts";
import { makeSubgraph } from "../../document/subgraph_commands.ts";
import { dissolve } from "../../document/subgraphs.ts";
import { type Output, typeOfInput, typeOfOutput } from "../../document/wiring.ts";
import { edit, present } from "../../workspace/graph.ts";

/** An end of a wire that was dropped on the canvas. */
export type LooseEnd = { readonly from: Output } | { readonly to: NodeId; readonly input: string };

export function addNode(type: NodeType, at: Point, loose?: LooseEnd, types?: NodeTypes): NodeId {
  const document = present();
  const id = freshNodeId(document);
  const node = command.newNode(id, type, { x: Math.round(at.x), y: Math.round(at.y) });
  const steps = [command.addNode(node)];
  if (loose && types) {
    if ("from" in loose) {
      const carried = typeOfOutput(document, types, loose.from);
      const input = type.inputs.find((spec) => !spec.widget && fitsType(carried, spec.type)) ?? type.inputs.find((spec) => fitsType(carried, spec.type));
      if (input) steps.push(command.connect(loose.from, id, input.name));
    } else {
      const wanted = typeOfInput(document, types, loose.to, loose.input);
      const slot = type.outputs.findIndex((output) => fitsType(output.type, wanted));
      if (slot >= 0) steps.push(command.connect({ node: id, slot }, loose.to, loose.input));
    }
  }
  edit(`Add ${type.label}`, command.together(...steps));
  return id;
}

function fitsType(from: string, to: string): boolean {
  return from === "*" || to === "*" || to.split(",").includes(from) || from.split(",").includes(to);
}

export function toggleMode(ids: readonly NodeId[], mode: Mode): void {
  const all = ids.every((id) => present().nodes[id]?.mode === mode);
  edit(mode === "muted" ? "Mute" : "Bypass", command.setMode(ids, all ? "active" : mode));
}

export function toggleCollapsed(ids: readonly NodeId[]): void {
  const all = ids.every((id) => present().nodes[id]?.collapsed);
  edit("Collapse", command.setCollapsed(ids, !all));
}

export function group(ids: readonly NodeId[], types: NodeTypes, measured: ReadonlyMap<NodeId, Size>): void {
  const document = present();
  const nodes = ids.flatMap((id) => document.nodes[id] ?? []);
  if (nodes.length === 0) return;
  const { x, y, width, height } = frameAround(nodes.map((node) => rectOf(node, types, measured.get(node.id))));
  const id = freshId(document.groups);
  edit("Group", command.putGroup({ id, title: "Group", at: { x, y }, size: { width, height } }));
}

/** Returns the node that stands for the new subgraph. */
export function intoSubgraph(ids: readonly NodeId[], groups: readonly string[], types: NodeTypes, measured: ReadonlyMap<NodeId, Size>): NodeId | undefined {
  const document = present();
  const [titled] = groups.flatMap((id) => document.groups[id]?.title ?? []);
  const [next, outer] = makeSubgraph(document, ids, groups, { types, measured, name: titled || "Subgraph" });
  if (outer !== undefined) edit("Make a subgraph", () => next);
  return outer;
}

/** Returns the nodes that came out. */
export function openUp(id: NodeId): NodeId[] {
  const [next, ids] = dissolve(present(), id);
  if (ids.length > 0) edit("Open the subgraph up", () => next);
  return ids;
}

export function arrange(types: NodeTypes, measured: ReadonlyMap<NodeId, Size>): void {
  edit("Arrange", (document) => layOut(document, types, measured));
}

export function splitWithReroute(link: string, at: Point, types: NodeTypes): void {
  const type = types.get(REROUTE);
  if (type) edit("Add reroute", command.splitLink(link, command.newNode(freshNodeId(present()), type, at)));
}

export function remove(nodes: readonly NodeId[], links: readonly string[], groups: readonly string[]): void {
  if (nodes.length + links.length + groups.length === 0) return;
  edit("Delete", command.together(command.removeNodes(nodes), command.disconnect(links), command.removeGroups(groups)));
}
