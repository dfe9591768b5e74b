/** A node as it stands on the canvas: title, sockets, fields, what it shows, what is wrong with it. */
import { Handle, NodeResizeControl, Position, type NodeProps } from "@xyflow/react";
import { memo, useState } from "react";
import { edit, editWhole, enter, fullId } from "../../app/workspace.ts";
import { Button } from "../../design/fields.tsx";
import { Icon } from "../../design/icons.tsx";
import { putGroup, setSize, setTitle } from "../../document/commands.ts";
import { NOTE, type GraphNode } from "../../document/model.ts";
import type { InputSpec, NodeType, OutputSpec } from "../../document/node_types.ts";
import { renameSubgraph } from "../../document/subgraph_commands.ts";
import { SUBGRAPHS_CATEGORY } from "../../document/subgraph_types.ts";
import { pictureKey, pictureUrl } from "../../service/jobs.ts";
import type { NodeProgress } from "../../service/studio.ts";
import type { CardNode, GroupNode } from "./flow.ts";
import { inspectPicture } from "./inspect.ts";
import { useNodeErrors, useNodePictures, useOwnPreview, useOwnProgress } from "./node_pictures.ts";
import { ExposeButton, readable, Widget } from "./widgets.tsx";
import { wireColor } from "./wire_color.ts";

export function InputSocket({ spec, connected }: { spec: InputSpec; connected: boolean }) {
  return (
    <Handle
      type="target"
      role="img"
      position={Position.Left}
      id={`in:${spec.name}`}
      className={`socket ${spec.widget && !connected ? "idle" : ""} ${spec.required ? "" : "optional"}`}
      style={{ "--socket": wireColor(spec.type) } as React.CSSProperties}
      aria-label={`Input ${readable(spec.name)}, ${spec.type}`}
      title={spec.type}
    />
  );
}

export function OutputSocket({ spec, slot }: { spec: OutputSpec; slot: number }) {
  return (
    <Handle
      type="source"
      role="img"
      position={Position.Right}
      id={`out:${slot}`}
      className="socket"
      style={{ "--socket": wireColor(spec.type) } as React.CSSProperties}
      aria-label={`Output ${spec.name}, ${spec.type}`}
      title={spec.type}
    />
  );
}

function Title({ node, type }: { node: GraphNode; type: NodeType | undefined }) {
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

function Pictures({ id, isOutput }: { id: string; isOutput: boolean }) {
  const pictures = useNodePictures(id);
  const preview = useOwnPreview(id);
  if (preview) return <img className="node-picture" src={preview} alt="The picture so far" draggable={false} />;
  if (!isOutput || pictures.length === 0) return null;
  return (
    <div className={pictures.length > 1 ? "node-pictures many" : "node-pictures"}>
      {pictures.map((picture) => (
        <button key={pictureKey(picture)} type="button" className="nodrag" aria-label={`Look at ${picture.filename}`} onClick={() => inspectPicture(picture)}>
          <img className="node-picture" src={pictureUrl(picture)} alt="" draggable={false} />
        </button>
      ))}
    </div>
  );
}

function Errors({ id }: { id: string }) {
  const messages = useNodeErrors(id);
  if (!messages) return null;
  return (
    <ul className="node-errors" role="alert">
      {[...new Set(messages.split("\n"))].map((message) => (
        <li key={message}>
          <Icon name="alert" />
          <span>{message}</span>
        </li>
      ))}
    </ul>
  );
}

const shapeOf = (spec: InputSpec): string => (spec.multiline ? "tall" : spec.imageUpload || spec.isSeed ? "wide" : "");

interface RowsProps {
  node: GraphNode;
  type: NodeType;
  linked: ReadonlySet<string>;
  /** Inputs that are the subgraph's own. */
  outside: ReadonlySet<string>;
}

function Rows({ node, type, linked, outside }: RowsProps) {
  const sockets = type.inputs.filter((input) => !input.widget);
  const widgets = type.inputs.filter((input) => input.widget);
  const rows = Math.max(sockets.length, type.outputs.length);
  return (
    <>
      {Array.from({ length: rows }, (_, row) => {
        const [input, output] = [sockets[row], type.outputs[row]];
        return (
          <div className="socket-row" key={row}>
            {input && <InputSocket spec={input} connected={linked.has(input.name)} />}
            <span className="clip" title={input?.tooltip}>
              {input ? readable(input.name) : ""}
            </span>
            <span className="clip end" title={output?.tooltip}>
              {output ? readable(output.name) : ""}
            </span>
            {output && <OutputSocket spec={output} slot={row} />}
          </div>
        );
      })}
      {widgets.map((spec) => (
        <div className={`widget-row ${linked.has(spec.name) ? "" : shapeOf(spec)}`} key={spec.name}>
          {node.type !== NOTE && <InputSocket spec={spec} connected={linked.has(spec.name)} />}
          {(linked.has(spec.name) || (!spec.multiline && !spec.imageUpload)) && (
            <span className="widget-name clip" title={spec.tooltip || spec.name}>
              {readable(spec.name)}
            </span>
          )}
          <div className="widget nodrag nowheel">
            {outside.has(spec.name) && <span className="faint">set outside</span>}
            {linked.has(spec.name) && !outside.has(spec.name) && <span className="faint">from a wire</span>}
            {!linked.has(spec.name) && <Widget node={node} spec={spec} />}
          </div>
          {node.type !== NOTE && <ExposeButton node={node} spec={spec} />}
        </div>
      ))}
    </>
  );
}

function CollapsedSockets({ type }: { type: NodeType }) {
  return (
    <div className="collapsed-sockets">
      {type.inputs.map((spec) => (
        <InputSocket key={spec.name} spec={spec} connected />
      ))}
      {type.outputs.map((spec, slot) => (
        <OutputSocket key={slot} spec={spec} slot={slot} />
      ))}
    </div>
  );
}

/** `linked` and `outside` as the flow keeps them. */
const names = (joined: string): ReadonlySet<string> => new Set(joined.split(",").slice(0, -1));

function Progress({ progress }: { progress: NodeProgress }) {
  return (
    <div className="node-progress" role="progressbar" aria-label="Progress" aria-valuenow={progress.value} aria-valuemax={progress.max}>
      <span style={{ transform: `scaleX(${progress.max > 0 ? progress.value / progress.max : 0})` }} />
    </div>
  );
}

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
      <Rows node={node} type={type} linked={linked} outside={names(data.outside)} />
      <Pictures id={full} isOutput={type.isOutput} />
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
        <Title node={node} type={type} />
        {node.mode !== "active" && <span className="chip">{node.mode}</span>}
        {standsForMore && (
          <span className="nodrag">
            <Button icon="enter" label="Enter the subgraph" bare small kind="quiet" onClick={() => enter(node.id)} />
          </span>
        )}
      </header>
      {working && <Progress progress={progress} />}
      <div className="node-body">
        <Body full={full} data={data} />
      </div>
      <Errors id={full} />
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

export const RerouteCard = memo(function RerouteCard({ data, selected }: NodeProps<CardNode>) {
  const spec = { name: "", type: data.carries, tooltip: "" };
  return (
    <div className={`reroute ${selected ? "selected" : ""}`} title={data.carries}>
      <InputSocket spec={{ ...spec, required: false, widget: false, multiline: false, isSeed: false, imageUpload: false }} connected />
      <OutputSocket spec={spec} slot={0} />
    </div>
  );
});

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
