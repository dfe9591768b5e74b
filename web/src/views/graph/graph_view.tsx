/** The graph as a canvas of nodes and wires. */
import {
  ReactFlowProvider,
} from "@xyflow/react";
import { useMemo, useSyncExternalStore } from "react";
import { type Place, placeAt } from "../../document/planes.ts";
import { withSubgraphs } from "../../document/subgraph_types.ts";
import { studio } from "../../service/studio.ts";
import { useStore } from "../../state/store.ts";
import { workspace } from "../../workspace/graph.ts";
import { Canvas } from "./canvas.tsx";

function usePlace(): Place {
  const { editor, path } = useStore(workspace, (state) => state);
  const whole = useSyncExternalStore(editor.subscribe, () => editor.document);
  return useMemo(() => placeAt(whole, path), [whole, path]);
}

export function GraphView() {
  const types = useStore(studio, (state) => state.types);
  const place = usePlace();
  if (!types) return <p className="waiting soft">Waiting for the server…</p>;
  return (
    <ReactFlowProvider key={place.path.join(":")}>
      <Canvas place={place} types={withSubgraphs(place.document.subgraphs, types)} />
    </ReactFlowProvider>
  );
}
