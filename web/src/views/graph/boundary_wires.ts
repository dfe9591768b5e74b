/** Wires to the free socket of a subgraph's boundary. */
import { INPUTS, type NodeId, OUTPUTS } from "../../document/model.ts";
import { exposeInput, exposeOutput } from "../../document/subgraph_slots.ts";
import { withSubgraphs } from "../../document/subgraph_types.ts";
import type { Output } from "../../document/wiring.ts";
import { studio } from "../../service/studio.ts";
import { editWhole, here } from "../../workspace/graph.ts";

export const NEW_INPUT = "new:out";
export const NEW_OUTPUT = "new:in";

/** A wire to the free socket of a boundary node makes a slot. */
export function connectBoundary(from: Output, fromHandle: string, to: NodeId, toHandle: string): boolean {
  const { subgraph, document } = here();
  if (!subgraph) return false;
  const types = withSubgraphs(document.subgraphs, studio.get().types ?? new Map());
  if (from.node === INPUTS && fromHandle === NEW_INPUT) {
    if (to === OUTPUTS) return true;
    editWhole("Add an input", exposeInput(subgraph.id, types, to, toHandle.slice(3)));
    return true;
  }
  if (to !== OUTPUTS || toHandle !== NEW_OUTPUT) return false;
  editWhole("Add an output", exposeOutput(subgraph.id, types, from));
  return true;
}
