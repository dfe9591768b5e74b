/** What a node type does, and what each of its inputs and outputs means. */
import { Button } from "../../design/button.tsx";
import { Dialog } from "../../design/dialog.tsx";
import type { InputSpec, NodeType, OutputSpec } from "../../document/node_types.ts";
import { countText } from "../parts/counts.ts";
import { readable } from "../parts/readable.ts";
import { wireColor } from "./wire_color.ts";

function bounds({ min, max, choices }: InputSpec): string {
  if (choices) return countText(choices.length, "choice");
  if (min === undefined || max === undefined || max > 2 ** 31) return "";
  return `${min} to ${max}`;
}

function Sockets({ title, sockets }: { title: string; sockets: readonly (InputSpec | OutputSpec)[] }) {
  if (sockets.length === 0) return null;
  return (
    <>
      <h2>{title}</h2>
      <dl>
        {sockets.map((socket, index) => (
          <div key={index}>
            <dt>
              <i style={{ background: wireColor(socket.type) }} />
              {readable(socket.name)} <span className="faint mono">{socket.type}</span>
            </dt>
            <dd className="soft">
              {socket.tooltip} {"widget" in socket && <span className="faint">{bounds(socket)}</span>}
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
}

export function NodeHelp({ type, onClose }: { type: NodeType; onClose: () => void }) {
  return (
    <Dialog label={type.label} className="keys node-help" onClose={onClose}>
      <div className="row spread">
        <h1 className="clip" title={type.label}>
          {type.label}
        </h1>
        <Button icon="close" label="Close" bare small kind="quiet" onClick={onClose} />
      </div>
      <p className="faint clip">
        {type.category} <span className="mono">{type.id}</span>
      </p>
      {type.description && <p>{type.description}</p>}
      <Sockets title="Inputs" sockets={type.inputs} />
      <Sockets title="Outputs" sockets={type.outputs} />
    </Dialog>
  );
}
