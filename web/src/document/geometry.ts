/** Rectangles on the plane of a document. */
import type { GraphDocument, GraphNode, Group, NodeId, Point, Size } from "./model.ts";
import type { NodeTypes } from "./node_types.ts";

export interface Rect extends Point, Size {}

export const NODE_WIDTH = 264;
const TITLE = 38;
const ROW = 30;
const TEXT_AREA = 104;
const IMAGE_HEIGHT = 208;

/** About what the page draws; what it has measured is better and given by `measured`. */
export function estimateSize(node: GraphNode, types: NodeTypes): Size {
  if (node.size) return node.size;
  const type = types.get(node.type);
  if (!type) return { width: NODE_WIDTH, height: 120 };
  if (node.type === "Reroute") return { width: 44, height: 28 };
  if (node.collapsed) return { width: NODE_WIDTH, height: TITLE };
  let height = TITLE + 14;
  for (const input of type.inputs) height += input.multiline ? TEXT_AREA : ROW;
  height += type.outputs.length * ROW * 0.8;
  if (type.isOutput) height += IMAGE_HEIGHT;
  if (type.inputs.some((input) => input.imageUpload)) height += IMAGE_HEIGHT;
  return { width: NODE_WIDTH, height };
}

export function bounds(rects: readonly Rect[]): Rect {
  if (rects.length === 0) return { x: 0, y: 0, width: 0, height: 0 };
  const left = Math.min(...rects.map((rect) => rect.x));
  const top = Math.min(...rects.map((rect) => rect.y));
  const right = Math.max(...rects.map((rect) => rect.x + rect.width));
  const bottom = Math.max(...rects.map((rect) => rect.y + rect.height));
  return { x: left, y: top, width: right - left, height: bottom - top };
}

export function contains(outer: Rect, inner: Rect): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}

export function rectOf(node: GraphNode, types: NodeTypes, measured?: Size): Rect {
  return { ...node.at, ...(measured ?? estimateSize(node, types)) };
}

/** The nodes that move along with a group: those wholly inside. */
export function nodesInside(
  document: GraphDocument,
  types: NodeTypes,
  group: Group,
  measured: ReadonlyMap<NodeId, Size> = new Map(),
): NodeId[] {
  const area = { ...group.at, ...group.size };
  return Object.values(document.nodes)
    .filter((node) => contains(area, rectOf(node, types, measured.get(node.id))))
    .map((node) => node.id);
}

/** A frame around nodes, with room for its title. */
export function frameAround(rects: readonly Rect[]): Rect {
  const inner = bounds(rects);
  return { x: inner.x - 24, y: inner.y - 56, width: inner.width + 48, height: inner.height + 80 };
}
