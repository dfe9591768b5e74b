/** Wires by hand: drawn, refused, dropped on the canvas, taken off an end. */
import { type Connection, type Edge, type FinalConnectionState, useReactFlow } from "@xyflow/react";
import { useCallback, useRef } from "react";
import * as command from "../../document/commands.ts";
import type { GraphDocument, Point } from "../../document/model.ts";
import type { NodeTypes } from "../../document/node_types.ts";
import { refuseLink, typeOfInput, typeOfOutput } from "../../document/wiring.ts";
import { toast } from "../../state/toasts.ts";
import { edit } from "../../workspace/graph.ts";
import type { LooseEnd } from "./actions.ts";
import { connectBoundary } from "./boundary_wires.ts";
import { inputOfHandle, slotOfHandle } from "./handles.ts";
import type { Wanted } from "./search_types.ts";

/** A node that is to be added, by the search that opens at `at`. */
export interface Adding {
  readonly at: Point;
  readonly wanted?: Wanted;
  readonly loose?: LooseEnd;
}

function connect(link: Connection, ...before: command.Command[]): void {
  const from = { node: link.source, slot: slotOfHandle(link.sourceHandle) };
  if (connectBoundary(from, link.sourceHandle ?? "", link.target, link.targetHandle ?? "")) return;
  edit("Connect", command.together(...before, command.connect(from, link.target, inputOfHandle(link.targetHandle))));
}

/** From source to target, whichever end was drawn first; none between two sockets of one kind. */
function linkOf({ fromHandle, toHandle }: FinalConnectionState): Connection | undefined {
  if (!fromHandle || !toHandle || fromHandle.type === toHandle.type) return undefined;
  const [source, target] = fromHandle.type === "source" ? [fromHandle, toHandle] : [toHandle, fromHandle];
  return { source: source.nodeId, sourceHandle: source.id ?? null, target: target.nodeId, targetHandle: target.id ?? null };
}

/** What the canvas is asked for where a wire was dropped on it. */
function addingFor(handle: NonNullable<FinalConnectionState["fromHandle"]>, at: Point, document: GraphDocument, types: NodeTypes): Adding {
  const { nodeId, id, type } = handle;
  if (type === "source") {
    const from = { node: nodeId, slot: slotOfHandle(id) };
    return { at, loose: { from }, wanted: { type: typeOfOutput(document, types, from), side: "input" } };
  }
  const input = inputOfHandle(id);
  return { at, loose: { to: nodeId, input }, wanted: { type: typeOfInput(document, types, nodeId, input), side: "output" } };
}

/** The handlers of the flow; `add` is called for a wire that ends nowhere. */
export function useWiring(document: GraphDocument, types: NodeTypes, add: (adding: Adding) => void) {
  const flow = useReactFlow();
  const rejoined = useRef(false);
  const refusal = useCallback(
    (link: Connection | Edge) =>
      refuseLink(document, types, { node: link.source, slot: slotOfHandle(link.sourceHandle) }, link.target, inputOfHandle(link.targetHandle)),
    [document, types],
  );
  const onConnectEnd = (event: MouseEvent | TouchEvent, state: FinalConnectionState) => {
    if (state.isValid || !state.fromHandle || !state.fromNode) return;
    const link = linkOf(state);
    const why = link && refusal(link);
    if (why) toast(why, "bad");
    if (state.toNode || state.fromHandle.id?.startsWith("new:")) return;
    const point = "changedTouches" in event ? event.changedTouches[0]! : event;
    add(addingFor(state.fromHandle, flow.screenToFlowPosition({ x: point.clientX, y: point.clientY }), document, types));
  };
  return {
    onConnect: (link: Connection) => connect(link),
    onConnectEnd,
    isValidConnection: (link: Connection | Edge) => refusal(link) === undefined,
    onReconnectStart: () => {
      rejoined.current = false;
    },
    onReconnect: (old: Edge, link: Connection) => {
      rejoined.current = true;
      connect(link, command.disconnect([old.id]));
    },
    onReconnectEnd: (_event: unknown, old: Edge) => {
      if (!rejoined.current) edit("Disconnect", command.disconnect([old.id]));
    },
  };
}
