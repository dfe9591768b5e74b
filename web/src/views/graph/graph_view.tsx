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
import { edit, graphAsJson, openFile, renderGraph, workspace } from "../../app/workspace.ts";
import { toPrompt } from "../../document/api_form.ts";
import * as command from "../../document/commands.ts";
import { formatJson } from "../../document/exact_json.ts";
import { nodesInside } from "../../document/geometry.ts";
import { EMPTY_DOCUMENT, type Point } from "../../document/model.ts";
import type { NodeTypes } from "../../document/node_types.ts";
import { refuseLink, typeOfInput, typeOfOutput } from "../../document/wiring.ts";
import { studio } from "../../service/studio.ts";
import * as actions from "./actions.ts";
import { flowEdges, flowNodes, measuredSizes, type FlowNode, type GroupNode } from "./flow.ts";
import { Menu, type MenuAt, type MenuItem } from "./menu.tsx";
import { GroupCard, NodeCard, RerouteCard } from "./node_card.tsx";
import { Palette, type Wanted } from "./palette.tsx";
import { canPeek, peek } from "./peek.ts";
import { GraphEmpty, Shortcuts, Toolbar } from "./toolbar.tsx";
import { useShortcuts } from "./shortcuts.ts";
import { wireColor } from "./wire_color.ts";

const NODE_KINDS = { card: NodeCard, reroute: RerouteCard, group: GroupCard };
const FAR = 0.45;

/** A small graph is shown as large as the rest of the page, which grows with the screen. */
const wholeView = () => ({ padding: 0.12, maxZoom: parseFloat(getComputedStyle(document.documentElement).fontSize) / 14 });

interface Adding {
  readonly at: Point;
  readonly wanted?: Wanted;
  readonly loose?: actions.LooseEnd;
}

const inputOfHandle = (handle: string | null | undefined): string => (handle ?? "").slice(3);
const slotOfHandle = (handle: string | null | undefined): number => Number((handle ?? "").slice(4));

function useDocument() {
  const editor = useStore(workspace, (state) => state.editor);
  return useSyncExternalStore(editor.subscribe, () => editor.document);
}

/** Nodes and edges as drawn, with their selection; the document is the truth for all else. */
function useFlow(types: NodeTypes) {
  const document = useDocument();
  const [nodes, setNodes] = useState<FlowNode[]>(() => flowNodes(document, types, []));
  const [edges, setEdges] = useState<Edge[]>(() => flowEdges(document, types, []));
  useEffect(() => {
    setNodes((before) => flowNodes(document, types, before));
    setEdges((before) => flowEdges(document, types, before));
  }, [document, types]);
  const onNodesChange = useCallback((changes: NodeChange<FlowNode>[]) => setNodes((before) => applyNodeChanges(changes, before)), []);
  const onEdgesChange = useCallback((changes: EdgeChange[]) => setEdges((before) => applyEdgeChanges(changes, before)), []);
  return { document, nodes, edges, setNodes, onNodesChange, onEdgesChange };
}

/** Nodes inside a group go along when it is dragged. */
function useDragging(types: NodeTypes, nodes: readonly FlowNode[], setNodes: React.Dispatch<React.SetStateAction<FlowNode[]>>) {
  const carried = useRef(new Map<string, { group: string; offset: Point }>());
  const dragging = useRef(false);
  const onNodeDragStart = useCallback(
    (_event: unknown, _node: FlowNode, dragged: FlowNode[]) => {
      carried.current.clear();
      dragging.current = true;
      const { document } = workspace.get().editor;
      const measured = measuredSizes(nodes);
      for (const group of dragged.filter((node): node is GroupNode => node.type === "group")) {
        for (const id of nodesInside(document, types, group.data.group, measured)) {
          const at = document.nodes[id]!.at;
          if (dragged.some((node) => node.id === id)) continue;
          carried.current.set(id, { group: group.id, offset: { x: at.x - group.position.x, y: at.y - group.position.y } });
        }
      }
    },
    [nodes, types],
  );
  const onNodeDrag = useCallback(
    (_event: unknown, _node: FlowNode, dragged: FlowNode[]) => {
      if (carried.current.size === 0) return;
      const groups = new Map(dragged.map((node) => [node.id, node.position]));
      setNodes((before) =>
        before.map((node) => {
          const carry = carried.current.get(node.id);
          const group = carry && groups.get(carry.group);
          return group ? { ...node, position: { x: group.x + carry.offset.x, y: group.y + carry.offset.y } } : node;
        }),
      );
    },
    [setNodes],
  );
  const onNodeDragStop = useCallback((_event: unknown, _node: FlowNode, dragged: FlowNode[]) => {
    dragging.current = false;
    const { document } = workspace.get().editor;
    const places: Record<string, Point> = {};
    const steps: command.Command[] = [];
    for (const node of dragged) {
      const at = { x: Math.round(node.position.x), y: Math.round(node.position.y) };
      if (node.type !== "group") {
        places[node.id] = at;
        continue;
      }
      const group = document.groups[node.data.group.id];
      if (group && (group.at.x !== at.x || group.at.y !== at.y)) steps.push(command.putGroup({ ...group, at }));
      for (const [id, carry] of carried.current) {
        if (carry.group === node.id) places[id] = { x: at.x + carry.offset.x, y: at.y + carry.offset.y };
      }
    }
    carried.current.clear();
    edit("Move", command.together(...steps, command.moveNodes(places)));
  }, []);
  /** The arrow keys move nodes without a drag. */
  const onKeyMove = useCallback((changes: NodeChange<FlowNode>[]) => {
    if (dragging.current) return;
    const places: Record<string, Point> = {};
    for (const change of changes) {
      if (change.type !== "position" || !change.position) continue;
      places[change.id] = { x: Math.round(change.position.x), y: Math.round(change.position.y) };
    }
    if (Object.keys(places).length > 0) edit("Move", command.moveNodes(places), "keys");
  }, []);
  return { handlers: { onNodeDragStart, onNodeDrag, onNodeDragStop }, onKeyMove };
}

function Canvas({ types }: { types: NodeTypes }) {
  const { document, nodes, edges, setNodes, onNodesChange, onEdgesChange } = useFlow(types);
  const dragging = useDragging(types, nodes, setNodes);
  const flow = useReactFlow<FlowNode, Edge>();
  const opened = useStore(workspace, (state) => state.opened);
  const [adding, setAdding] = useState<Adding>();
  const [menu, setMenu] = useState<MenuAt>();
  const [helping, setHelping] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  const pointer = useRef<Point>({ x: 0, y: 0 });
  const rejoined = useRef(false);

  useEffect(() => {
    // With nothing to see yet, the wish would be granted to the first node that is added.
    if (Object.keys(workspace.get().editor.document.nodes).length === 0) return;
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
  const onConnect = useCallback((link: Connection) => {
    const from = { node: link.source, slot: slotOfHandle(link.sourceHandle) };
    edit("Connect", command.connect(from, link.target, inputOfHandle(link.targetHandle)));
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
    if (state.toNode) return;
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
    const json = form === "editor" ? graphAsJson(types) : toPrompt(document, types);
    download(formatJson(json, 2), form === "editor" ? `${name}.json` : `${name}.api.json`, "application/json");
  };
  const open = async () => {
    const [file] = await chooseFiles(".json,image/png,image/webp");
    if (file) await openFile(file);
  };
  const acts = {
    add: () => setAdding({ at: middle() }),
    undo: () => workspace.get().editor.undo(),
    redo: () => workspace.get().editor.redo(),
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
    clear: () => edit("Clear", () => EMPTY_DOCUMENT),
  };
  useShortcuts(acts);

  const nodeMenu = (event: React.MouseEvent, node: FlowNode) => {
    event.preventDefault();
    const ids = selection.nodes.includes(node.id) ? selection.nodes : [node.id];
    if (!node.selected) select([node.id]);
    const type = node.type === "group" ? undefined : types.get(node.data.node.type);
    const looks = (type?.outputs ?? []).flatMap((output, slot): MenuItem[] => {
      const carried = typeOfOutput(document, types, { node: node.id, slot });
      return canPeek(carried, types) ? [{ label: `Look at ${output.name || carried}`, icon: "eye", act: () => void peek({ node: node.id, slot }, types) }] : [];
    });
    const items: MenuItem[] =
      node.type === "group"
        ? [{ label: "Remove the group", icon: "trash", act: () => actions.remove([], [], [node.data.group.id]) }]
        : [
            ...looks,
            ...(type?.isOutput ? [{ label: "Render only this", icon: "play" as const, act: () => void renderGraph([node.id]) }] : []),
            ...(looks.length || type?.isOutput ? ["line" as const] : []),
            { label: "Copy", keys: "Ctrl C", act: () => actions.copyNodes(ids, []) },
            { label: "Mute", keys: "Ctrl M", act: () => actions.toggleMode(ids, "muted") },
            { label: "Bypass", keys: "Ctrl B", act: () => actions.toggleMode(ids, "bypassed") },
            { label: "Collapse", keys: "Alt C", act: () => actions.toggleCollapsed(ids) },
            { label: "Group", keys: "Ctrl G", act: () => actions.group(ids, types, measuredSizes(nodes)) },
            "line",
            { label: "Delete", icon: "trash", keys: "Del", act: () => actions.remove(ids, [], []) },
          ];
    setMenu({ x: event.clientX, y: event.clientY, label: "Node", items });
  };
  const paneMenu = (event: MouseEvent | React.MouseEvent) => {
    event.preventDefault();
    const at = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
    setMenu({
      x: event.clientX,
      y: event.clientY,
      label: "Canvas",
      items: [
        { label: "Add a node…", icon: "plus", keys: "A", act: () => setAdding({ at }) },
        { label: "Paste", keys: "Ctrl V", act: () => void acts.paste() },
        { label: "Arrange all", icon: "layout", keys: "L", act: acts.arrange },
        { label: "See all", icon: "fit", keys: "F", act: acts.fit },
      ],
    });
  };
  const edgeMenu = (event: React.MouseEvent, edge: Edge) => {
    event.preventDefault();
    const at = flow.screenToFlowPosition({ x: event.clientX - 22, y: event.clientY - 14 });
    setMenu({
      x: event.clientX,
      y: event.clientY,
      label: "Wire",
      items: [
        { label: "Add a reroute", icon: "plus", act: () => actions.splitWithReroute(edge.id, { x: Math.round(at.x), y: Math.round(at.y) }, types) },
        { label: "Remove", icon: "trash", act: () => actions.remove([], [edge.id], []) },
      ],
    });
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
        onConnect={onConnect}
        onConnectEnd={onConnectEnd}
        isValidConnection={(link) => refusal(link) === undefined}
        onReconnectStart={() => (rejoined.current = false)}
        onReconnect={(old, link) => {
          rejoined.current = true;
          const from = { node: link.source, slot: slotOfHandle(link.sourceHandle) };
          edit("Reconnect", command.together(command.disconnect([old.id]), command.connect(from, link.target, inputOfHandle(link.targetHandle))));
        }}
        onReconnectEnd={(_event, old) => {
          if (!rejoined.current) edit("Disconnect", command.disconnect([old.id]));
        }}
        onNodeContextMenu={nodeMenu}
        onPaneContextMenu={paneMenu}
        onEdgeContextMenu={edgeMenu}
        onEdgeDoubleClick={(event, edge) => {
          const at = flow.screenToFlowPosition({ x: event.clientX - 22, y: event.clientY - 14 });
          actions.splitWithReroute(edge.id, { x: Math.round(at.x), y: Math.round(at.y) }, types);
        }}
        onMove={(_event, { zoom }) => frame.current?.classList.toggle("far", zoom < FAR)}
        connectionRadius={28}
        edgesReconnectable
        reconnectRadius={8}
        zoomOnDoubleClick={false}
        deleteKeyCode={null}
        selectionKeyCode="Shift"
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
          nodeColor={(node) => (node.type === "card" ? wireColor(types.get(node.data.node.type)?.outputs[0]?.type ?? "IMAGE") : "var(--line)")}
          nodeStrokeWidth={0}
          bgColor="var(--sheet)"
          maskColor="var(--minimap-mask)"
        />}
      </ReactFlow>
      <Toolbar acts={acts} chosen={selection.nodes.length} />
      {nodes.length === 0 && <GraphEmpty onAdd={acts.add} onOpen={acts.open} />}
      {adding && (
        <Palette
          types={types}
          wanted={adding.wanted}
          onClose={() => setAdding(undefined)}
          onChoose={(type) => {
            setAdding(undefined);
            select([actions.addNode(type, adding.at, adding.loose, types)]);
          }}
        />
      )}
      {menu && <Menu at={menu} onClose={() => setMenu(undefined)} />}
      {helping && <Shortcuts onClose={() => setHelping(false)} />}
    </div>
  );
}

export function GraphView() {
  const types = useStore(studio, (state) => state.types);
  if (!types) return <p className="waiting soft">Waiting for the server…</p>;
  return (
    <ReactFlowProvider>
      <Canvas types={types} />
    </ReactFlowProvider>
  );
}
