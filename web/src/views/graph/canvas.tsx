/** The plane that is open: its nodes and wires, the toolbar, and the menus and dialogs over it. */
import { Background, BackgroundVariant, type Edge, ReactFlow, SelectionMode, useReactFlow } from "@xyflow/react";
import { useEffect, useMemo, useRef, useState } from "react";
import { Menu, type MenuAt, type MenuItem } from "../../design/menu.tsx";
import type { Point } from "../../document/model.ts";
import type { NodeType, NodeTypes } from "../../document/node_types.ts";
import { mayHold, type Place } from "../../document/planes.ts";
import { SUBGRAPHS_CATEGORY } from "../../document/subgraph_types.ts";
import { useStore } from "../../state/store.ts";
import { present, workspace } from "../../workspace/graph.ts";
import * as actions from "./actions.ts";
import { BoundaryCard } from "./boundary_card.tsx";
import { canvasActs } from "./canvas_acts.ts";
import { Crumbs } from "./crumbs.tsx";
import { useDragging } from "./dragging.ts";
import { type FlowNode, measuredSizes } from "./flow.ts";
import { GraphEmpty } from "./graph_empty.tsx";
import { GraphMap } from "./graph_map.tsx";
import { GroupCard } from "./group_card.tsx";
import { KeysDialog } from "./keys_dialog.tsx";
import { NodeCard } from "./node_card.tsx";
import { NodeHelp } from "./node_help.tsx";
import { edgeItems, nodeItems, paneItems } from "./node_menu.ts";
import { Palette } from "./palette.tsx";
import { RerouteCard } from "./reroute_card.tsx";
import { selectionOf } from "./selection.ts";
import { useShortcuts } from "./shortcuts.ts";
import { Toolbar } from "./toolbar.tsx";
import { useFlow } from "./use_flow.ts";
import { type Adding, useWiring } from "./use_wiring.ts";
import { wholeView } from "./view_scale.ts";

const NODE_KINDS = { card: NodeCard, reroute: RerouteCard, boundary: BoundaryCard, group: GroupCard };
const FAR = 0.45;
/** How the flow behaves, whatever is in it. */
const BEHAVIOUR = {
  nodeTypes: NODE_KINDS,
  connectionRadius: 28,
  edgesReconnectable: true,
  reconnectRadius: 8,
  zoomOnDoubleClick: false,
  deleteKeyCode: null,
  selectionKeyCode: ["Shift", "Control", "Meta"],
  multiSelectionKeyCode: ["Meta", "Control"],
  selectionMode: SelectionMode.Partial,
  minZoom: 0.05,
  maxZoom: 2.5,
  elevateNodesOnSelect: true,
  attributionPosition: "bottom-left" as const,
  nodesFocusable: true,
  edgesFocusable: true,
  ariaLabelConfig: { "minimap.ariaLabel": "Map of the graph" },
};

/** The types that may be added here: no boundary, and no subgraph that would hold itself. */
function addable(types: NodeTypes, { document, subgraph }: Place): NodeTypes {
  return new Map([...types].filter(([id, type]) => !/\/(inputs|outputs)$/.test(id) && (type.category !== SUBGRAPHS_CATEGORY || mayHold(document, subgraph?.id, id))));
}

/** Shows the whole of a graph when it is opened. */
function useFitOnOpen(fitView: ReturnType<typeof useReactFlow<FlowNode, Edge>>["fitView"]): void {
  const opened = useStore(workspace, (state) => state.opened);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each document that is opened is shown whole.
  useEffect(() => {
    // With nothing to see yet, the wish would be granted to the first node that is added.
    if (Object.keys(present().nodes).length === 0) return;
    const timer = setTimeout(() => void fitView(wholeView()), 60);
    return () => clearTimeout(timer);
  }, [opened, fitView]);
}

export function Canvas({ place, types }: { place: Place; types: NodeTypes }) {
  const { nodes, edges, setNodes, onNodesChange, onEdgesChange } = useFlow(place.document, types);
  const flow = useReactFlow<FlowNode, Edge>();
  const [adding, setAdding] = useState<Adding>();
  const [menu, setMenu] = useState<MenuAt>();
  const [helping, setHelping] = useState(false);
  const [explained, setExplained] = useState<NodeType>();
  const frame = useRef<HTMLDivElement>(null);
  const pointer = useRef<Point>({ x: 0, y: 0 });
  const dragging = useDragging(types, nodes, setNodes);
  const wiring = useWiring(place.document, types, setAdding);
  const selection = useMemo(() => selectionOf(nodes, edges), [nodes, edges]);
  useFitOnOpen(flow.fitView);

  const select = (ids: readonly string[]) =>
    setTimeout(() => setNodes((before) => before.map((node) => ({ ...node, selected: ids.includes(node.id) }))), 0);
  const middle = (): Point => {
    const area = frame.current!.getBoundingClientRect();
    return flow.screenToFlowPosition({ x: area.x + area.width / 2 - 130, y: area.y + area.height / 3 });
  };
  const acts = canvasActs({
    place,
    types,
    selection,
    all: nodes.map((node) => node.id),
    measured: () => measuredSizes(nodes),
    pointer: () => flow.screenToFlowPosition(pointer.current),
    select,
    add: () => setAdding({ at: middle() }),
    fit: () => void flow.fitView({ ...wholeView(), duration: 200 }),
    help: () => setHelping(true),
  });
  useShortcuts(acts);

  const openMenu = (event: MouseEvent | React.MouseEvent, label: string, items: readonly MenuItem[]) => {
    event.preventDefault();
    setMenu({ x: event.clientX, y: event.clientY, label, items });
  };
  const at = (event: MouseEvent | React.MouseEvent, left = 0, top = 0): Point => {
    const { x, y } = flow.screenToFlowPosition({ x: event.clientX - left, y: event.clientY - top });
    return { x: Math.round(x), y: Math.round(y) };
  };
  const nodeMenu = (event: React.MouseEvent, node: FlowNode) => {
    if (!node.selected) select([node.id]);
    const ids = selection.nodes.includes(node.id) ? selection.nodes : [node.id];
    openMenu(event, "Node", nodeItems(node, { ids, groups: selection.groups, types, measured: measuredSizes(nodes), select, explain: setExplained }));
  };

  return (
    <div
      className="graph"
      ref={frame}
      onPointerMove={(event) => {
        pointer.current = { x: event.clientX, y: event.clientY };
      }}
      onDoubleClick={(event) => {
        if ((event.target as Element).classList.contains("react-flow__pane")) setAdding({ at: at(event, 20, 10) });
      }}
    >
      <ReactFlow<FlowNode, Edge>
        {...BEHAVIOUR}
        {...dragging.handlers}
        {...wiring}
        nodes={nodes}
        edges={edges}
        onNodesChange={(changes) => {
          onNodesChange(changes);
          dragging.onKeyMove(changes);
        }}
        onEdgesChange={onEdgesChange}
        onNodeContextMenu={nodeMenu}
        onPaneContextMenu={(event) => openMenu(event, "Canvas", paneItems(acts, () => setAdding({ at: at(event) })))}
        onEdgeContextMenu={(event, edge) => openMenu(event, "Wire", edgeItems(edge.id, at(event, 22, 14), types))}
        onEdgeDoubleClick={(event, edge) => actions.splitWithReroute(edge.id, at(event, 22, 14), types)}
        onMove={(_event, { zoom }) => frame.current?.classList.toggle("far", zoom < FAR)}
        aria-label="Graph"
      >
        <Background variant={BackgroundVariant.Dots} gap={24} size={1.2} color="var(--line)" bgColor="transparent" />
        {nodes.length > 0 && <GraphMap types={types} />}
      </ReactFlow>
      <Toolbar acts={acts} chosen={selection.nodes.length} />
      {place.path.length > 0 && <Crumbs names={place.names} />}
      {nodes.length === 0 && <GraphEmpty onAdd={acts.add} onOpen={acts.open} />}
      {adding && (
        <Palette
          types={addable(types, place)}
          wanted={adding.wanted}
          onClose={() => setAdding(undefined)}
          onChoose={(type) => {
            setAdding(undefined);
            select([actions.addNode(type, adding.at, adding.loose, types)]);
          }}
        />
      )}
      {menu && <Menu at={menu} onClose={() => setMenu(undefined)} />}
      {explained && <NodeHelp type={explained} onClose={() => setExplained(undefined)} />}
      {helping && <KeysDialog onClose={() => setHelping(false)} />}
    </div>
  );
}
