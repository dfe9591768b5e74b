/**
 * Automatic layout in columns, after Sugiyama, Tagawa & Toda (1981): a node stands right of all
 * that feeds it, and each column is ordered by where its neighbours stand, which uncrosses wires.
 */
import { estimateSize } from "./geometry.ts";
import { type GraphDocument, type GraphNode, linksOf, type NodeId, nodesOf, type Size } from "./model.ts";
import type { NodeTypes } from "./node_types.ts";

const COLUMN_GAP = 80;
const ROW_GAP = 36;
const SWEEPS = 6;

type Neighbours = Map<NodeId, NodeId[]>;

function neighbours(document: GraphDocument): { before: Neighbours; after: Neighbours } {
  const before: Neighbours = new Map();
  const after: Neighbours = new Map();
  for (const node of nodesOf(document)) {
    before.set(node.id, []);
    after.set(node.id, []);
  }
  for (const link of linksOf(document)) {
    if (!document.nodes[link.from] || !document.nodes[link.to]) continue;
    before.get(link.to)!.push(link.from);
    after.get(link.from)!.push(link.to);
  }
  return { before, after };
}

/** Length of the longest way here; a loop's nodes stand where they are met first. */
function columnsOf(document: GraphDocument, before: Neighbours): Map<NodeId, number> {
  const columns = new Map<NodeId, number>();
  const visit = (id: NodeId, way: Set<NodeId>): number => {
    const known = columns.get(id);
    if (known !== undefined) return known;
    if (way.has(id)) return 0;
    way.add(id);
    let column = 0;
    for (const source of before.get(id) ?? []) column = Math.max(column, visit(source, way) + 1);
    way.delete(id);
    columns.set(id, column);
    return column;
  };
  for (const node of nodesOf(document)) visit(node.id, new Set());
  return columns;
}

/** A node that nothing holds back stands right before what it feeds. */
function pullRight(columns: Map<NodeId, number>, before: Neighbours, after: Neighbours): void {
  for (const [id, column] of columns) {
    const next = after.get(id) ?? [];
    if ((before.get(id) ?? []).length > 0 || next.length === 0) continue;
    const nearest = Math.min(...next.map((target) => columns.get(target) ?? 0));
    if (nearest - 1 > column) columns.set(id, nearest - 1);
  }
}

function sortByNeighbours(column: NodeId[], near: Neighbours, rank: Map<NodeId, number>): void {
  const weight = new Map<NodeId, number>();
  for (const id of column) {
    const ranks = (near.get(id) ?? []).flatMap((other) => rank.get(other) ?? []);
    weight.set(id, ranks.length ? ranks.reduce((sum, value) => sum + value, 0) / ranks.length : rank.get(id) ?? 0);
  }
  column.sort((a, b) => weight.get(a)! - weight.get(b)!);
  for (const [index, id] of column.entries()) rank.set(id, index);
}

export function layOut(
  document: GraphDocument,
  types: NodeTypes,
  measured: ReadonlyMap<NodeId, Size> = new Map(),
): GraphDocument {
  const { before, after } = neighbours(document);
  const columnOf = columnsOf(document, before);
  pullRight(columnOf, before, after);
  const columns: NodeId[][] = [];
  for (const [id, column] of columnOf) {
    columns[column] ??= [];
    columns[column].push(id);
  }
  const rank = new Map<NodeId, number>();
  for (const column of columns) for (const [index, id] of column?.entries() ?? []) rank.set(id, index);
  for (let sweep = 0; sweep < SWEEPS; ++sweep) {
    const down = sweep % 2 === 0;
    for (const column of down ? columns : [...columns].reverse()) {
      if (column) sortByNeighbours(column, down ? before : after, rank);
    }
  }

  const nodes: Record<NodeId, GraphNode> = { ...document.nodes };
  let x = 0;
  for (const column of columns) {
    if (!column) continue;
    const sizes = column.map((id) => measured.get(id) ?? estimateSize(document.nodes[id]!, types));
    const height = sizes.reduce((sum, size) => sum + size.height + ROW_GAP, -ROW_GAP);
    let y = -height / 2;
    column.forEach((id, index) => {
      nodes[id] = { ...nodes[id]!, at: { x: Math.round(x), y: Math.round(y) } };
      y += sizes[index]!.height + ROW_GAP;
    });
    x += Math.max(...sizes.map((size) => size.width)) + COLUMN_GAP;
  }
  return { ...document, nodes };
}
