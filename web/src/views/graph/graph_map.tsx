import { MiniMap } from "@xyflow/react";
import type { NodeTypes } from "../../document/node_types.ts";
import type { FlowNode } from "./flow.ts";
import { scale } from "./view_scale.ts";
import { wireColor } from "./wire_color.ts";

/** The whole graph, small, in a corner of the canvas. */
export function GraphMap({ types }: { types: NodeTypes }) {
  return (
    <MiniMap<FlowNode>
      pannable
      zoomable
      style={{ width: 200 * scale(), height: 150 * scale() }}
      nodeColor={(node) => (node.type === "card" ? wireColor(types.get(node.data.node.type)?.outputs[0]?.type ?? "IMAGE") : "var(--line)")}
      nodeStrokeWidth={0}
      bgColor="var(--sheet)"
      maskColor="var(--minimap-mask)"
    />
  );
}
