import { Handle, Position } from "@xyflow/react";
import type { InputSpec, OutputSpec } from "../../document/node_types.ts";
import { readable } from "../parts/readable.ts";
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
