/** A node as it stands on the canvas: title, sockets, fields, what it shows, what is wrong with it. */
import { Handle, NodeResizeControl, Position, type NodeProps } from "@xyflow/react";
import { memo, useState } from "react";
import { useStore } from "../../app/store.ts";
import { edit, workspace } from "../../app/workspace.ts";
import { Icon } from "../../design/icons.tsx";
import { putGroup, setSize, setTitle } from "../../document/commands.ts";
import { NOTE, type GraphNode } from "../../document/model.ts";
import type { InputSpec, NodeType, OutputSpec } from "../../document/node_types.ts";
import { pictureKey, pictureUrl, type Picture } from "../../service/jobs.ts";
import { studio } from "../../service/studio.ts";
import type { CardNode, GroupNode } from "./flow.ts";
import { inspectPicture } from "./inspect.ts";
import { ExposeButton, readable, useNodeType, Widget } from "./widgets.tsx";
import { wireColor } from "./wire_color.ts";

function InputSocket({ spec, connected }: { spec: InputSpec; connected: boolean }) {
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

function OutputSocket({ spec, slot }: { spec: OutputSpec; slot: number }) {
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
    edit("Rename", setTitle(node.id, text === type?.label ? "" : text));
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

const NO_PICTURES: readonly Picture[] = [];

/** The newest job of this graph that this node showed something in. */
function useNodePictures(id: string): readonly Picture[] {
  const jobs = useStore(workspace, (state) => state.jobs);
  return useStore(studio, (state) => {
    for (const job of jobs.toReversed()) {
      const pictures = state.shown[job]?.[id] ?? state.finished.find((done) => done.id === job)?.outputs[id];
      if (pictures) return pictures;
    }
    return NO_PICTURES;
  });
}

function useOwnProgress(id: string) {
  const jobs = useStore(workspace, (state) => state.jobs);
  return useStore(studio, (state) => (state.running && jobs.includes(state.running.job) ? state.running.nodes[id] : undefined));
}

function useOwnPreview(id: string): string | undefined {
  const jobs = useStore(workspace, (state) => state.jobs);
  return useStore(studio, (state) =>
    state.running?.previewNode === id && jobs.includes(state.running.job) ? state.running.preview : undefined,
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
  const errors = useStore(workspace, (state) => state.errors[id]);
  const jobs = useStore(workspace, (state) => state.jobs);
  const failed = useStore(studio, (state) => {
    const last = jobs.at(-1);
    const error = last === undefined ? undefined : state.finished.find((job) => job.id === last)?.error;
    return error?.node === id ? error.message : undefined;
  });
  const messages = [...(errors?.map((error) => error.message) ?? []), ...(failed ? [failed] : [])];
  if (messages.length === 0) return null;
  return (
    <ul className="node-errors" role="alert">
      {messages.map((message) => (
        <li key={message}>
          <Icon name="alert" />
          <span>{message}</span>
        </li>
      ))}
    </ul>
  );
}

function Rows({ node, type, linked }: { node: GraphNode; type: NodeType; linked: ReadonlySet<string> }) {
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
        <div className={`widget-row ${spec.multiline ? "tall" : ""} ${spec.imageUpload || spec.isSeed ? "wide" : ""}`} key={spec.name}>
          {node.type !== NOTE && <InputSocket spec={spec} connected={linked.has(spec.name)} />}
          {!spec.multiline && !spec.imageUpload && (
            <span className="widget-name clip" title={spec.tooltip || spec.name}>
              {readable(spec.name)}
            </span>
          )}
          <div className="widget nodrag nowheel">
            {linked.has(spec.name) ? <span className="faint">from a wire</span> : <Widget node={node} spec={spec} />}
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

export const NodeCard = memo(function NodeCard({ id, data, selected }: NodeProps<CardNode>) {
  const { node } = data;
  const type = useNodeType(node.type);
  const progress = useOwnProgress(id);
  const hasErrors = useStore(workspace, (state) => (state.errors[id]?.length ?? 0) > 0);
  const linked = new Set(data.linked.split(",").slice(0, -1));
  const working = progress?.state === "running";
  const classes = [
    "node",
    node.mode,
    selected ? "selected" : "",
    working ? "working" : "",
    hasErrors || !type ? "wrong" : "",
    node.type === NOTE ? "note" : "",
    node.size && !node.collapsed ? "sized" : "",
  ];
  const resizable = type?.inputs.some((input) => input.multiline) && !node.collapsed;
  return (
    <div className={classes.join(" ")} data-type={node.type}>
      <header>
        <Title node={node} type={type} />
        {node.mode !== "active" && <span className="chip">{node.mode}</span>}
      </header>
      {working && (
        <div className="node-progress" role="progressbar" aria-label="Progress" aria-valuenow={progress.value} aria-valuemax={progress.max}>
          <span style={{ transform: `scaleX(${progress.max > 0 ? progress.value / progress.max : 0})` }} />
        </div>
      )}
      <div className="node-body">
        {!type && <p className="node-missing">The server has no node type “{node.type}”.</p>}
        {type && !node.collapsed && <Rows node={node} type={type} linked={linked} />}
        {type && node.collapsed && <CollapsedSockets type={type} />}
        {!type && [...linked].map((name) => <Handle key={name} type="target" position={Position.Left} id={`in:${name}`} />)}
        {!node.collapsed && <Pictures id={id} isOutput={type?.isOutput ?? false} />}
      </div>
      <Errors id={id} />
      {resizable && (
        <NodeResizeControl
          className="resize"
          minWidth={200}
          minHeight={90}
          onResizeEnd={(_event, { width, height }) => edit("Resize", setSize(id, { width, height }))}
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
