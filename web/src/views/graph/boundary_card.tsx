/** Where a subgraph's inputs come from, or its outputs go: its slots, and a free socket for one more. */
import { Handle, type NodeProps, Position } from "@xyflow/react";
import { memo, useState } from "react";
import { Button } from "../../design/button.tsx";
import { INPUTS } from "../../document/model.ts";
import { removeInput, removeOutput, renameInput, renameOutput } from "../../document/subgraph_slots.ts";
import { editWhole, here } from "../../workspace/graph.ts";
import { readable } from "../parts/readable.ts";
import { NEW_INPUT, NEW_OUTPUT } from "./boundary_wires.ts";
import type { CardNode } from "./flow.ts";
import { InputSocket, OutputSocket } from "./sockets.tsx";

function SlotName({ name, rename }: { name: string; rename: (to: string) => void }) {
  const [editing, setEditing] = useState(false);
  if (!editing) {
    return (
      <button type="button" className="slot-name clip nodrag" title="Rename" onClick={() => setEditing(true)}>
        {readable(name)}
      </button>
    );
  }
  return (
    <input
      className="field nodrag"
      aria-label="Name"
      autoFocus
      defaultValue={name}
      onBlur={(event) => {
        setEditing(false);
        rename(event.target.value);
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter") event.currentTarget.blur();
        if (event.key === "Escape") setEditing(false);
      }}
    />
  );
}

export const BoundaryCard = memo(function BoundaryCard({ data: { node, type }, selected }: NodeProps<CardNode>) {
  const coming = node.id === INPUTS;
  const [rename, remove] = coming ? [renameInput, removeInput] : [renameOutput, removeOutput];
  const change = (label: string, command: (id: string) => ReturnType<typeof removeInput>) => {
    const { subgraph } = here();
    if (subgraph) editWhole(label, command(subgraph.id));
  };
  const slots = coming ? (type?.outputs ?? []) : (type?.inputs ?? []);
  return (
    <div className={`node boundary ${coming ? "coming" : "going"} ${selected ? "selected" : ""}`} data-type={coming ? "Inputs" : "Outputs"}>
      <header>{coming ? "Inputs" : "Outputs"}</header>
      <div className="node-body">
        {slots.map((slot, index) => (
          <div className="socket-row" key={slot.name}>
            <Button icon="close" label={`Remove ${readable(slot.name)}`} bare small kind="quiet" onClick={() => change("Remove a slot", (id) => remove(id, slot.name))} />
            <SlotName name={slot.name} rename={(to) => change("Rename a slot", (id) => rename(id, slot.name, to))} />
            {coming ? (
              <OutputSocket spec={{ ...slot, tooltip: "" }} slot={index} />
            ) : (
              <InputSocket spec={{ required: true, widget: false, multiline: false, isSeed: false, imageUpload: false, ...slot, tooltip: "" }} connected />
            )}
          </div>
        ))}
        <div className="socket-row">
          <span className="faint">one more</span>
          <Handle
            type={coming ? "source" : "target"}
            role="img"
            position={coming ? Position.Right : Position.Left}
            id={coming ? NEW_INPUT : NEW_OUTPUT}
            className="socket new"
            aria-label={coming ? "New input" : "New output"}
          />
        </div>
      </div>
    </div>
  );
});
