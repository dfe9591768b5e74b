/** The graph as a canvas of nodes and wires. */
import {
  applyEdgeChanges,
  applyNodeChanges,
  Background,
  BackgroundVariant,
  MiniMap,
  ReactFlow,
  ReactFlowProvider,
  SelectionMode,
  useReactFlow,
  type Connection,
  type Edge,
  type EdgeChange,
  type FinalConnectionState,
  type NodeChange,
} from "@xyflow/react";
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { download, chooseFiles } from "../../app/download.ts";
import { useStore } from "../../app/store.ts";
import { toast } from "../../app/toasts.ts";
import { edit, graphAsJson, leaveTo, openFile, present, redo, renderGraph, undo, workspace } from "../../app/workspace.ts";
import { toPrompt } from "../../document/api_form.ts";
import * as command from "../../document/commands.ts";
import { formatJson } from "../../document/exact_json.ts";
import type { GraphDocument, Point } from "../../document/model.ts";
import type { NodeType, NodeTypes } from "../../document/node_types.ts";
import { mayHold, placeAt, type Place } from "../../document/planes.ts";
import { SUBGRAPHS_CATEGORY, withSubgraphs } from "../../document/subgraph_types.ts";
import { refuseLink, typeOfInput, typeOfOutput } from "../../document/wiring.ts";
import { studio } from "../../service/studio.ts";
import * as actions from "./actions.ts";
import { BoundaryCard } from "./boundary_card.tsx";
import { useDragging } from "./dragging.ts";
import { flowEdges, flowNodes, measuredSizes, type FlowNode, type GroupNode } from "./flow.ts";
import { Menu, type MenuAt, type MenuItem } from "../../design/menu.tsx";
import { GroupCard, NodeCard, RerouteCard } from "./node_card.tsx";
import { Palette, type Wanted } from "./palette.tsx";
import { edgeItems, nodeItems, paneItems } from "./node_menu.ts";
import { NodeHelp } from "./node_help.tsx";
import { Crumbs, GraphEmpty, Shortcuts, Toolbar } from "./toolbar.tsx";
import { useShortcuts } from "./shortcuts.ts";
import { wireColor } from "./wire_color.ts";

const NODE_KINDS = { card: NodeCard, reroute: RerouteCard, boundary: BoundaryCard, group: GroupCard };
const FAR = 0.45;

/** The page grows with the screen, and so do a small graph and the map. */
const scale = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 14;
const wholeView = () => ({ padding: 0.12, maxZoom: scale() });

interface Adding {
  readonly at: Point;
  readonly wanted?: Wanted;
  readonly loose?: actions.LooseEnd;
}

const inputOfHandle = (handle: string | null | undefined): string => (handle ?? "").slice(3);
const slotOfHandle = (handle: string | null | undefined): number => Number((handle ?? "").slice(4));

/** Nodes and edges as drawn, with their selection; the document is the truth for all else. */
function useFlow(document: GraphDocument, types: NodeTypes) {
  const [nodes, setNodes] = useState<FlowNode[]>(() => flowNodes(document, types, []));
  const [edges, setEdges] = useState<Edge[]>(() => flowEdges(document, types, []));
  useEffect(() => {
    setNodes((before) => flowNodes(document, types, before));
    setEdges((before) => flowEdges(document, types, before));
  }, [document, types]);
  const onNodesChange = useCallback((changes: NodeChange<FlowNode>[]) => setNodes((before) => applyNodeChanges(changes, before)), []);
  const onEdgesChange = useCallback((changes: EdgeChange[]) => setEdges((before) => applyEdgeChanges(changes, before)), []);
  return { nodes, edges, setNodes, onNodesChange, onEdgesChange };
}

/** The types that may be added here: no boundary, and no subgraph that would hold itself. */
function addable(types: NodeTypes, { document, subgraph }: Place): NodeTypes {
  return new Map([...types].filter(([id, type]) => !/\/(inputs|outputs)$/.test(id) && (type.category !== SUBGRAPHS_CATEGORY || mayHold(document, subgraph?.id, id))));
}

function Canvas({ place, types }: { place: Place; types: NodeTypes }) {
  const { document } = place;
  const { nodes, edges, setNodes, onNodesChange, onEdgesChange } = useFlow(document, types);
  const dragging = useDragging(types, nodes, setNodes);
  const flow = useReactFlow<FlowNode, Edge>();
  const opened = useStore(workspace, (state) => state.opened);
  const [adding, setAdding] = useState<Adding>();
  const [menu, setMenu] = useState<MenuAt>();
  const [helping, setHelping] = useState(false);
  const [explained, setExplained] = useState<NodeType>();
  const frame = useRef<HTMLDivElement>(null);
  const pointer = useRef<Point>({ x: 0, y: 0 });
  const rejoined = useRef(false);

  useEffect(() => {
    // With nothing to see yet, the wish would be granted to the first node that is added.
    if (Object.keys(present().nodes).length === 0) return;
    const timer = setTimeout(() => void flow.fitView(wholeView()), 60);
    return () => clearTimeout(timer);
  }, [opened, flow]);

  const selection = useMemo(() => {
    const chosen = nodes.filter((node) => node.selected);
    return {
      nodes: chosen.filter((node) => node.type !== "group").map((node) => node.id),
      groups: chosen.filter((node): node is GroupNode => node.type === "group").map((node) => node.data.group.id),
      links: edges.filter((edge) => edge.selected).map((edge) => edge.id),
    };
  }, [nodes, edges]);
  const select = (ids: readonly string[]) =>
    setTimeout(() => setNodes((before) => before.map((node) => ({ ...node, selected: ids.includes(node.id) }))), 0);
  const middle = (): Point => {
    const area = frame.current!.getBoundingClientRect();
    return flow.screenToFlowPosition({ x: area.x + area.width / 2 - 130, y: area.y + area.height / 3 });
  };

  const refusal = useCallback(
    (link: Connection | Edge) =>
      refuseLink(document, types, { node: link.source, slot: slotOfHandle(link.sourceHandle) }, link.target, inputOfHandle(link.targetHandle)),
    [document, types],
  );
  const connect = useCallback((link: Connection, ...before: command.Command[]) => {
    const from = { node: link.source, slot: slotOfHandle(link.sourceHandle) };
    if (actions.connectBoundary(from, link.sourceHandle ?? "", link.target, link.targetHandle ?? "")) return;
    edit("Connect", command.together(...before, command.connect(from, link.target, inputOfHandle(link.targetHandle))));
  }, []);
  const onConnectEnd = (event: MouseEvent | TouchEvent, state: FinalConnectionState) => {
    if (state.isValid || !state.fromHandle || !state.fromNode) return;
    if (state.toHandle && state.toNode) {
      const [source, target] = state.fromHandle.type === "source" ? [state.fromHandle, state.toHandle] : [state.toHandle, state.fromHandle];
      if (source.type === target.type) return;
      const link = { source: source.nodeId, sourceHandle: source.id ?? null, target: target.nodeId, targetHandle: target.id ?? null };
      const why = refusal(link);
      if (why) toast(why, "bad");
      return;
    }
    if (state.toNode || state.fromHandle.id?.startsWith("new:")) return;
    const point = "changedTouches" in event ? event.changedTouches[0]! : event;
    const at = flow.screenToFlowPosition({ x: point.clientX, y: point.clientY });
    const { nodeId, id, type } = state.fromHandle;
    if (type === "source") {
      const from = { node: nodeId, slot: slotOfHandle(id) };
      setAdding({ at, loose: { from }, wanted: { type: typeOfOutput(document, types, from), side: "input" } });
    } else {
      const input = inputOfHandle(id);
      setAdding({ at, loose: { to: nodeId, input }, wanted: { type: typeOfInput(document, types, nodeId, input), side: "output" } });
    }
  };

  const save = (form: "editor" | "api") => {
    const name = workspace.get().name;
    const json = form === "editor" ? graphAsJson(types) : toPrompt(workspace.get().editor.document, types);
    download(formatJson(json, 2), form === "editor" ? `${name}.json` : `${name}.api.json`, "application/json");
  };
  const open = async () => {
    const [file] = await chooseFiles(".json,image/png,image/webp");
    if (file) await openFile(file);
  };
  const acts = {
    add: () => setAdding({ at: middle() }),
    undo,
    redo,
    copy: () => actions.copyNodes(selection.nodes, selection.groups),
    cut: () => {
      actions.copyNodes(selection.nodes, selection.groups);
      actions.remove(selection.nodes, [], selection.groups);
    },
    paste: async () => {
      const ids = await actions.pasteNodes(flow.screenToFlowPosition(pointer.current));
      if (ids.length) select(ids);
    },
    selectAll: () => select(nodes.map((node) => node.id)),
    remove: () => actions.remove(selection.nodes, selection.links, selection.groups),
    mute: () => actions.toggleMode(selection.nodes, "muted"),
    bypass: () => actions.toggleMode(selection.nodes, "bypassed"),
    collapse: () => actions.toggleCollapsed(selection.nodes),
    group: () => actions.group(selection.nodes, types, measuredSizes(nodes)),
    subgraph: () => {
      const outer = actions.intoSubgraph(selection.nodes, selection.groups, types, measuredSizes(nodes));
      if (outer !== undefined) select([outer]);
    },
    leave: () => leaveTo(place.path.length - 1),
    arrange: () => {
      actions.arrange(types, measuredSizes(nodes));
      setTimeout(() => void flow.fitView({ ...wholeView(), duration: 200 }), 30);
    },
    fit: () => void flow.fitView({ ...wholeView(), duration: 200 }),
    render: () => void renderGraph(),
    help: () => setHelping(true),
    open: () => void open(),
    save: () => save("editor"),
    saveApi: () => save("api"),
    clear: () => actions.remove(Object.keys(document.nodes), [], Object.keys(document.groups)),
  };
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
      onPointerMove={(event) => (pointer.current = { x: event.clientX, y: event.clientY })}
      onDoubleClick={(event) => {
        if ((event.target as Element).classList.contains("react-flow__pane")) {
          setAdding({ at: flow.screenToFlowPosition({ x: event.clientX - 20, y: event.clientY - 10 }) });
        }
      }}
    >
      <ReactFlow<FlowNode, Edge>
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_KINDS}
        onNodesChange={(changes) => {
          onNodesChange(changes);
          dragging.onKeyMove(changes);
        }}
        onEdgesChange={onEdgesChange}
        {...dragging.handlers}
        onConnect={(link) => connect(link)}
        onConnectEnd={onConnectEnd}
        isValidConnection={(link) => refusal(link) === undefined}
        onReconnectStart={() => (rejoined.current = false)}
        onReconnect={(old, link) => {
          rejoined.current = true;
          connect(link, command.disconnect([old.id]));
        }}
        onReconnectEnd={(_event, old) => {
          if (!rejoined.current) edit("Disconnect", command.disconnect([old.id]));
        }}
        onNodeContextMenu={nodeMenu}
        onPaneContextMenu={(event) => openMenu(event, "Canvas", paneItems(acts, () => setAdding({ at: at(event) })))}
        onEdgeContextMenu={(event, edge) => openMenu(event, "Wire", edgeItems(edge.id, at(event, 22, 14), types))}
        onEdgeDoubleClick={(event, edge) => actions.splitWithReroute(edge.id, at(event, 22, 14), types)}
        onMove={(_event, { zoom }) => frame.current?.classList.toggle("far", zoom < FAR)}
        connectionRadius={28}
        edgesReconnectable
        reconnectRadius={8}
        zoomOnDoubleClick={false}
        deleteKeyCode={null}
        selectionKeyCode={["Shift", "Control", "Meta"]}
        multiSelectionKeyCode={["Meta", "Control"]}
        selectionMode={SelectionMode.Partial}
        minZoom={0.05}
        maxZoom={2.5}
        elevateNodesOnSelect
        attributionPosition="bottom-left"
        nodesFocusable
        edgesFocusable
        ariaLabelConfig={{ "minimap.ariaLabel": "Map of the graph" }}
        aria-label="Graph"
      >
        <Background variant={BackgroundVariant.Dots} gap={24} size={1.2} color="var(--line)" bgColor="transparent" />
        {nodes.length > 0 && <MiniMap<FlowNode>
          pannable
          zoomable
          style={{ width: 200 * scale(), height: 150 * scale() }}
          nodeColor={(node) => (node.type === "card" ? wireColor(types.get(node.data.node.type)?.outputs[0]?.type ?? "IMAGE") : "var(--line)")}
          nodeStrokeWidth={0}
          bgColor="var(--sheet)"
          maskColor="var(--minimap-mask)"
        />}
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
      {helping && <Shortcuts onClose={() => setHelping(false)} />}
    </div>
  );
}

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
