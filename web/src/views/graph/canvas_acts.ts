/** What toolbar, menu and keys do on the canvas. */
import type { NodeId, Point, Size } from "../../document/model.ts";
import type { NodeTypes } from "../../document/node_types.ts";
import type { Place } from "../../document/planes.ts";
import { leaveTo, redo, undo } from "../../workspace/graph.ts";
import { renderGraph } from "../../workspace/render_graph.ts";
import * as actions from "./actions.ts";
import { copyNodes, pasteNodes } from "./clipboard.ts";
import { chooseGraph, saveGraph } from "./graph_files.ts";
import type { Selection } from "./selection.ts";
import type { Acts } from "./shortcuts.ts";

export interface CanvasHands {
  readonly place: Place;
  readonly types: NodeTypes;
  readonly selection: Selection;
  readonly all: readonly NodeId[];
  readonly measured: () => ReadonlyMap<NodeId, Size>;
  readonly pointer: () => Point;
  readonly select: (ids: readonly NodeId[]) => void;
  readonly add: () => void;
  readonly fit: () => void;
  readonly help: () => void;
}

export function canvasActs({ place, types, selection, all, measured, pointer, select, add, fit, help }: CanvasHands): Acts {
  const { nodes, groups, links } = selection;
  const remove = () => actions.remove(nodes, links, groups);
  const paste = async () => {
    const ids = await pasteNodes(pointer());
    if (ids.length) select(ids);
  };
  const subgraph = () => {
    const outer = actions.intoSubgraph(nodes, groups, types, measured());
    if (outer !== undefined) select([outer]);
  };
  return {
    add,
    undo,
    redo,
    copy: () => copyNodes(nodes, groups),
    cut: () => {
      copyNodes(nodes, groups);
      actions.remove(nodes, [], groups);
    },
    paste: () => void paste(),
    selectAll: () => select(all),
    remove,
    mute: () => actions.toggleMode(nodes, "muted"),
    bypass: () => actions.toggleMode(nodes, "bypassed"),
    collapse: () => actions.toggleCollapsed(nodes),
    group: () => actions.group(nodes, types, measured()),
    subgraph,
    leave: () => leaveTo(place.path.length - 1),
    arrange: () => {
      actions.arrange(types, measured());
      setTimeout(fit, 30);
    },
    fit,
    render: () => void renderGraph(),
    help,
    open: () => void chooseGraph(),
    save: () => saveGraph("editor", types),
    saveApi: () => saveGraph("api", types),
    clear: () => actions.remove(Object.keys(place.document.nodes), [], Object.keys(place.document.groups)),
  };
}
