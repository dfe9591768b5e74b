/** A node's sockets and fields. */
import { type GraphNode, NOTE } from "../../document/model.ts";
import type { InputSpec, NodeType } from "../../document/node_types.ts";
import { InputField } from "../parts/input_field.tsx";
import { readable } from "../parts/readable.ts";
import { ExposeButton } from "./expose_button.tsx";
import { InputSocket, OutputSocket } from "./sockets.tsx";

const shapeOf = (spec: InputSpec): string => (spec.multiline ? "tall" : spec.imageUpload || spec.isSeed ? "wide" : "");

interface RowsProps {
  node: GraphNode;
  type: NodeType;
  linked: ReadonlySet<string>;
  /** Inputs that are the subgraph's own. */
  outside: ReadonlySet<string>;
}

export function NodeRows({ node, type, linked, outside }: RowsProps) {
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
            {!linked.has(spec.name) && <InputField node={node} spec={spec} />}
          </div>
          {node.type !== NOTE && <ExposeButton node={node} spec={spec} />}
        </div>
      ))}
    </>
  );
}

export function CollapsedSockets({ type }: { type: NodeType }) {
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
