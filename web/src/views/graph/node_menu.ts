/** What the menus of the canvas offer. */
import type { MenuItem } from "../../design/menu.tsx";
import { isBoundary, type NodeId, type Point, type Size } from "../../document/model.ts";
import type { NodeType, NodeTypes } from "../../document/node_types.ts";
import { typeOfOutput } from "../../document/wiring.ts";
import { enter, fullId, here, leaveTo, present } from "../../workspace/graph.ts";
import { copyImage, openImage, saveAsIs } from "../../workspace/image_files.ts";
import { renderGraph } from "../../workspace/render_graph.ts";
import * as actions from "./actions.ts";
import { copyNodes } from "./clipboard.ts";
import type { FlowNode } from "./flow.ts";
import { imagesOf } from "./node_images.ts";
import { canPreview, previewOutput } from "./preview_output.ts";
import type { Acts } from "./shortcuts.ts";

export interface Chosen {
  readonly ids: readonly NodeId[];
  readonly groups: readonly string[];
  readonly types: NodeTypes;
  readonly measured: ReadonlyMap<NodeId, Size>;
  readonly select: (ids: readonly NodeId[]) => void;
  readonly explain: (type: NodeType) => void;
}

function lookItems(id: NodeId, type: NodeType | undefined, types: NodeTypes): MenuItem[] {
  const document = present();
  return (type?.outputs ?? []).flatMap((output, slot): MenuItem[] => {
    const carried = typeOfOutput(document, types, { node: id, slot });
    return canPreview(carried, types) ? [{ label: `Preview ${output.name || carried}`, icon: "eye", act: () => void previewOutput({ node: id, slot }, types) }] : [];
  });
}

function imageItems(id: NodeId): MenuItem[] {
  const [image] = imagesOf(fullId(id));
  if (!image) return [];
  return [
    { label: "Copy image", icon: "image", act: () => void copyImage(image) },
    { label: "Open in a new tab", icon: "eye", act: () => openImage(image) },
    { label: "Save image", icon: "save", act: () => void saveAsIs(image) },
    "line",
  ];
}

/** Groups become frames around nodes; subgraphs take their nodes in. */
function gatherItems({ ids, groups, types, measured, select }: Chosen): MenuItem[] {
  const document = present();
  const [only] = ids;
  const stands = ids.length === 1 && document.subgraphs[document.nodes[only!]?.type ?? ""] !== undefined;
  const make = () => {
    const outer = actions.intoSubgraph(ids, groups, types, measured);
    if (outer !== undefined) select([outer]);
  };
  return [
    { label: "Group", keys: "Ctrl G", icon: "frame", act: () => actions.group(ids, types, measured) },
    { label: "Make a subgraph", keys: "Ctrl Shift E", icon: "subgraph", act: make },
    ...(stands
      ? [
          { label: "Enter the subgraph", icon: "enter" as const, act: () => enter(only!) },
          { label: "Open the subgraph up", act: () => select(actions.openUp(only!)) },
        ]
      : []),
  ];
}

export function nodeItems(node: FlowNode, chosen: Chosen): readonly MenuItem[] {
  if (node.type === "group") return [{ label: "Remove the group", icon: "trash", act: () => actions.remove([], [], [node.data.group.id]) }];
  if (isBoundary(node.id)) return [{ label: "Leave the subgraph", keys: "Esc", icon: "up", act: () => leaveTo(here().path.length - 1) }];
  const { ids, types } = chosen;
  const type = types.get(node.data.node.type);
  const runs: MenuItem[] = [
    ...lookItems(node.id, type, types),
    ...(type?.isOutput ? [{ label: "Render only this", icon: "play" as const, act: () => void renderGraph([fullId(node.id)]) }] : []),
  ];
  return [
    ...imageItems(node.id),
    ...runs,
    ...(runs.length > 0 ? ["line" as const] : []),
    { label: "Copy", keys: "Ctrl C", act: () => copyNodes(ids, []) },
    { label: "Mute", keys: "Ctrl M", act: () => actions.toggleMode(ids, "muted") },
    { label: "Bypass", keys: "Ctrl B", act: () => actions.toggleMode(ids, "bypassed") },
    { label: "Collapse", keys: "Alt C", act: () => actions.toggleCollapsed(ids) },
    ...gatherItems(chosen),
    "line",
    ...(type ? [{ label: "What it does", icon: "help" as const, act: () => chosen.explain(type) }] : []),
    { label: "Delete", icon: "trash", keys: "Del", act: () => actions.remove(ids, [], []) },
  ];
}

export const paneItems = (acts: Acts, add: () => void): readonly MenuItem[] => [
  { label: "Add a node…", icon: "plus", keys: "A", act: add },
  { label: "Paste", keys: "Ctrl V", act: () => void acts.paste() },
  { label: "Arrange all", icon: "layout", keys: "L", act: acts.arrange },
  { label: "See all", icon: "fit", keys: "F", act: acts.fit },
];

export const edgeItems = (id: string, at: Point, types: NodeTypes): readonly MenuItem[] => [
  { label: "Add a reroute", icon: "plus", act: () => actions.splitWithReroute(id, at, types) },
  { label: "Remove", icon: "trash", act: () => actions.remove([], [id], []) },
];
