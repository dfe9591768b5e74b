import type { Edge } from "@xyflow/react";
import type { GroupId, LinkId, NodeId } from "../../document/model.ts";
import type { FlowNode, GroupNode } from "./flow.ts";

export interface Selection {
  readonly nodes: readonly NodeId[];
  readonly groups: readonly GroupId[];
  readonly links: readonly LinkId[];
}

export function selectionOf(nodes: readonly FlowNode[], edges: readonly Edge[]): Selection {
  const chosen = nodes.filter((node) => node.selected);
  return {
    nodes: chosen.filter((node) => node.type !== "group").map((node) => node.id),
    groups: chosen.filter((node): node is GroupNode => node.type === "group").map((node) => node.data.group.id),
    links: edges.filter((edge) => edge.selected).map((edge) => edge.id),
  };
}
