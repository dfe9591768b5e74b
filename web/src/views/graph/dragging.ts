import type { NodeChange } from "@xyflow/react";
import { useCallback, useRef } from "react";
import * as command from "../../document/commands.ts";
import { nodesInside } from "../../document/geometry.ts";
import type { Point } from "../../document/model.ts";
import type { NodeTypes } from "../../document/node_types.ts";
import { edit, present } from "../../workspace/graph.ts";
import { type FlowNode, type GroupNode, measuredSizes } from "./flow.ts";

/** Nodes inside a group go along when it is dragged. */
export function useDragging(types: NodeTypes, nodes: readonly FlowNode[], setNodes: React.Dispatch<React.SetStateAction<FlowNode[]>>) {
  const carried = useRef(new Map<string, { group: string; offset: Point }>());
  const dragging = useRef(false);
  const onNodeDragStart = useCallback(
    (_event: unknown, _node: FlowNode, dragged: FlowNode[]) => {
      carried.current.clear();
      dragging.current = true;
      const document = present();
      const measured = measuredSizes(nodes);
      for (const group of dragged.filter((node): node is GroupNode => node.type === "group")) {
        for (const id of nodesInside(document, types, group.data.group, measured)) {
          const at = document.nodes[id]!.at;
          if (dragged.some((node) => node.id === id)) continue;
          carried.current.set(id, { group: group.id, offset: { x: at.x - group.position.x, y: at.y - group.position.y } });
        }
      }
    },
    [nodes, types],
  );
  const onNodeDrag = useCallback(
    (_event: unknown, _node: FlowNode, dragged: FlowNode[]) => {
      if (carried.current.size === 0) return;
      const groups = new Map(dragged.map((node) => [node.id, node.position]));
      setNodes((before) =>
        before.map((node) => {
          const carry = carried.current.get(node.id);
          const group = carry && groups.get(carry.group);
          return group ? { ...node, position: { x: group.x + carry.offset.x, y: group.y + carry.offset.y } } : node;
        }),
      );
    },
    [setNodes],
  );
  const onNodeDragStop = useCallback((_event: unknown, _node: FlowNode, dragged: FlowNode[]) => {
    dragging.current = false;
    const document = present();
    const places: Record<string, Point> = {};
    const steps: command.Command[] = [];
    for (const node of dragged) {
      const at = { x: Math.round(node.position.x), y: Math.round(node.position.y) };
      if (node.type !== "group") {
        places[node.id] = at;
        continue;
      }
      const group = document.groups[node.data.group.id];
      if (group && (group.at.x !== at.x || group.at.y !== at.y)) steps.push(command.putGroup({ ...group, at }));
      for (const [id, carry] of carried.current) {
        if (carry.group === node.id) places[id] = { x: at.x + carry.offset.x, y: at.y + carry.offset.y };
      }
    }
    carried.current.clear();
    edit("Move", command.together(...steps, command.moveNodes(places)));
  }, []);
  /** The arrow keys move nodes without a drag. */
  const onKeyMove = useCallback((changes: NodeChange<FlowNode>[]) => {
    if (dragging.current) return;
    const places: Record<string, Point> = {};
    for (const change of changes) {
      if (change.type !== "position" || !change.position) continue;
      places[change.id] = { x: Math.round(change.position.x), y: Math.round(change.position.y) };
    }
    if (Object.keys(places).length > 0) edit("Move", command.moveNodes(places), "keys");
  }, []);
  return { handlers: { onNodeDragStart, onNodeDrag, onNodeDragStop }, onKeyMove };
}
