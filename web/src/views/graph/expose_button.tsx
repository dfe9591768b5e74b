import { setExposed } from "../../document/commands.ts";
import { exposeInput, removeInput, slotInto } from "../../document/subgraph_slots.ts";
import { withSubgraphs } from "../../document/subgraph_types.ts";
import { studio } from "../../service/studio.ts";
import { edit, editWhole, here } from "../../workspace/graph.ts";
import type { InputProps } from "../parts/change_input.ts";
import { readable } from "../parts/readable.ts";

/** Puts an input on the form of this graph; inside a subgraph, on the subgraph's own node. */
export function ExposeButton({ node, spec }: InputProps) {
  const { document, subgraph } = here();
  const slot = subgraph && slotInto(document, subgraph, node.id, spec.name);
  const exposed = subgraph ? slot !== undefined : (node.exposed?.includes(spec.name) ?? false);
  const where = subgraph ? "on the subgraph's node" : "on the form";
  const toggle = () => {
    if (!subgraph) return edit("Change the form", setExposed(node.id, spec.name, !exposed));
    const types = withSubgraphs(document.subgraphs, studio.get().types ?? new Map());
    editWhole("Change the inputs", slot ? removeInput(subgraph.id, slot.name) : exposeInput(subgraph.id, types, node.id, spec.name));
  };
  return (
    <button
      type="button"
      className={`expose nodrag ${exposed ? "on" : ""}`}
      aria-pressed={exposed}
      aria-label={`Show ${readable(spec.name)} ${where}`}
      title={exposed ? `Shown ${where}` : `Show ${where}`}
      onClick={toggle}
    />
  );
}
