/** What the menus of the canvas offer. */
import { enter, fullId, here, leaveTo, present, renderGraph } from "../../app/workspace.ts";
import { isBoundary, type NodeId, type Point, type Size } from "../../document/model.ts";
import type { NodeType, NodeTypes } from "../../document/node_types.ts";
import { typeOfOutput } from "../../document/wiring.ts";
import { copyPicture, openPicture, saveAsIs } from "../gallery/picture_files.ts";
import * as actions from "./actions.ts";
import type { FlowNode } from "./flow.ts";
import type { MenuItem } from "../../design/menu.tsx";
import { picturesOf } from "./node_pictures.ts";
import { canPeek, peek } from "./peek.ts";
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
    return canPeek(carried, types) ? [{ label: `Look at ${output.name || carried}`, icon: "eye", act: () => void peek({ node: id, slot }, types) }] : [];
  });
}

function pictureItems(id: NodeId): MenuItem[] {
  const [picture] = picturesOf(fullId(id));
  if (!picture) return [];
  return [
    { label: "Copy the picture", icon: "image", act: () => void copyPicture(picture) },
    { label: "Open it in a new tab", icon: "eye", act: () => openPicture(picture) },
    { label: "Save it", icon: "save", act: () => void saveAsIs(picture) },
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
    ...pictureItems(node.id),
    ...runs,
    ...(runs.length > 0 ? ["line" as const] : []),
    { label: "Copy", keys: "Ctrl C", act: () => actions.copyNodes(ids, []) },
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
