/** A node as it stands on the canvas: title, sockets, fields, what it shows, what is wrong with it. */
import { Handle, type NodeProps, NodeResizeControl, Position } from "@xyflow/react";
import { memo } from "react";
import { Button } from "../../design/button.tsx";
import { Icon } from "../../design/icons.tsx";
import { setSize } from "../../document/commands.ts";
import { NOTE } from "../../document/model.ts";
import { SUBGRAPHS_CATEGORY } from "../../document/subgraph_types.ts";
import { edit, enter, fullId } from "../../workspace/graph.ts";
import type { CardNode } from "./flow.ts";
import { useNodeErrors, useOwnProgress } from "./node_images.ts";
import { NodeImages, NodeMessages, NodeProgressBar } from "./node_outcome.tsx";
import { CollapsedSockets, NodeRows } from "./node_rows.tsx";
import { NodeTitle } from "./node_title.tsx";

/** `linked` and `outside` as the flow keeps them. */
const names = (joined: string): ReadonlySet<string> => new Set(joined.split(",").slice(0, -1));

function Body({ full, data }: { full: string; data: CardNode["data"] }) {
  const { node, type } = data;
  const linked = names(data.linked);
  if (!type) {
    return (
      <>
        <p className="node-missing">The server has no node type “{node.type}”.</p>
        {[...linked].map((name) => (
          <Handle key={name} type="target" position={Position.Left} id={`in:${name}`} />
        ))}
      </>
    );
  }
  if (node.collapsed) return <CollapsedSockets type={type} />;
  return (
    <>
      <NodeRows node={node} type={type} linked={linked} outside={names(data.outside)} />
      <NodeImages id={full} isOutput={type.isOutput} />
    </>
  );
}

export const NodeCard = memo(function NodeCard({ data, selected }: NodeProps<CardNode>) {
  const { node, type } = data;
  const full = fullId(node.id);
  const progress = useOwnProgress(full);
  const hasErrors = useNodeErrors(full) !== "";
  const working = progress?.state === "running";
  const standsForMore = type?.category === SUBGRAPHS_CATEGORY;
  const classes = [
    "node",
    node.mode,
    selected ? "selected" : "",
    working ? "working" : "",
    hasErrors || !type ? "wrong" : "",
    node.type === NOTE ? "note" : "",
    standsForMore ? "subgraph" : "",
    node.size && !node.collapsed ? "sized" : "",
  ];
  const resizable = type?.inputs.some((input) => input.multiline) && !node.collapsed;
  const onDoubleClick = (event: React.MouseEvent) => {
    if (standsForMore && !(event.target as Element).closest(".nodrag, .node-title")) enter(node.id);
  };
  return (
    <div className={classes.join(" ")} data-type={standsForMore ? "Subgraph" : node.type} onDoubleClick={onDoubleClick}>
      <header>
        {standsForMore && <Icon name="subgraph" />}
        <NodeTitle node={node} type={type} />
        {node.mode !== "active" && <span className="chip">{node.mode}</span>}
        {standsForMore && (
          <span className="nodrag">
            <Button icon="enter" label="Enter the subgraph" bare small kind="quiet" onClick={() => enter(node.id)} />
          </span>
        )}
      </header>
      {working && <NodeProgressBar progress={progress} />}
      <div className="node-body">
        <Body full={full} data={data} />
      </div>
      <NodeMessages id={full} />
      {resizable && (
        <NodeResizeControl
          className="resize"
          minWidth={200}
          minHeight={90}
          onResizeEnd={(_event, { width, height }) => edit("Resize", setSize(node.id, { width, height }))}
        />
      )}
    </div>
  );
});

