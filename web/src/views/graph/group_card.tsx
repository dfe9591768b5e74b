import { type NodeProps, NodeResizeControl } from "@xyflow/react";
import { memo } from "react";
import { putGroup } from "../../document/commands.ts";
import { edit } from "../../workspace/graph.ts";
import type { GroupNode } from "./flow.ts";

export const GroupCard = memo(function GroupCard({ data: { group }, selected }: NodeProps<GroupNode>) {
  return (
    <div className={`group ${selected ? "selected" : ""}`}>
      <input
        className="group-title nodrag"
        aria-label="Title of the group"
        value={group.title}
        onChange={(event) => edit("Rename group", putGroup({ ...group, title: event.target.value }), `group.${group.id}`)}
      />
      <NodeResizeControl
        className="resize"
        minWidth={160}
        minHeight={100}
        onResizeEnd={(_event, { width, height }) =>
          edit("Resize group", putGroup({ ...group, size: { width, height } }))
        }
      />
    </div>
  );
});
