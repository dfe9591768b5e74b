import { useState } from "react";
import { setTitle } from "../../document/commands.ts";
import type { GraphNode } from "../../document/model.ts";
import type { NodeType } from "../../document/node_types.ts";
import { renameSubgraph } from "../../document/subgraph_commands.ts";
import { SUBGRAPHS_CATEGORY } from "../../document/subgraph_types.ts";
import { edit, editWhole } from "../../workspace/graph.ts";

export function NodeTitle({ node, type }: { node: GraphNode; type: NodeType | undefined }) {
  const [editing, setEditing] = useState(false);
  const shown = node.title ?? type?.label ?? node.type;
  if (!editing) {
    return (
      <span className="node-title clip" title={`${type?.description ?? ""} Double-click to rename.`} onDoubleClick={() => setEditing(true)}>
        {shown}
      </span>
    );
  }
  const done = (text: string) => {
    setEditing(false);
    // A subgraph's node without a title of its own shows the subgraph's name, and so do its copies.
    if (type?.category === SUBGRAPHS_CATEGORY && !node.title) editWhole("Rename", renameSubgraph(node.type, text));
    else edit("Rename", setTitle(node.id, text === type?.label ? "" : text));
  };
  return (
    <input
      className="node-title field nodrag"
      aria-label="Title"
      autoFocus
      defaultValue={shown}
      onBlur={(event) => done(event.target.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter") event.currentTarget.blur();
        if (event.key === "Escape") setEditing(false);
      }}
    />
  );
}
