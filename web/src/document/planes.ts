/** The planes of a document: its own, and those of its subgraphs. */
import type { Command } from "./commands.ts";
import { type GraphDocument, type GraphNode, type NodeId, nodesOf, type Subgraph, type SubgraphId } from "./model.ts";

/** Where one is: the plane as a document of its own, and how one came there. */
export interface Place {
  readonly document: GraphDocument;
  readonly subgraph?: Subgraph;
  /** The nodes that were entered, outermost first. */
  readonly path: readonly NodeId[];
  readonly names: readonly string[];
}

type Planes = Map<SubgraphId, GraphDocument>;
const planeCache = new WeakMap<GraphDocument, Planes>();

/** The same object for the same document. */
function planeOf(document: GraphDocument, subgraph: Subgraph): GraphDocument {
  const planes: Planes = planeCache.get(document) ?? new Map<SubgraphId, GraphDocument>();
  planeCache.set(document, planes);
  const { nodes, links, groups } = subgraph;
  const plane = planes.get(subgraph.id) ?? { nodes, links, groups, subgraphs: document.subgraphs };
  planes.set(subgraph.id, plane);
  return plane;
}

/** Follows `path` as far as it leads: a subgraph that was undone is left. */
export function placeAt(document: GraphDocument, path: readonly NodeId[]): Place {
  let place: Place = { document, path: [], names: [] };
  for (const id of path) {
    const node = place.document.nodes[id];
    const subgraph = node && document.subgraphs[node.type];
    if (!subgraph) break;
    place = {
      document: planeOf(document, subgraph),
      subgraph,
      path: [...place.path, id],
      names: [...place.names, node.title ?? subgraph.name],
    };
  }
  return place;
}

/** A command to the plane of a subgraph, as one to the document. */
export const onPlane =
  (id: SubgraphId | undefined, command: Command): Command =>
  (document) => {
    if (id === undefined) return command(document);
    const subgraph = document.subgraphs[id];
    if (!subgraph) return document;
    const before = planeOf(document, subgraph);
    const after = command(before);
    if (after === before) return document;
    const { nodes, links, groups } = after;
    const changed = after.subgraphs[id] ?? subgraph;
    return { ...document, subgraphs: { ...after.subgraphs, [id]: { ...changed, nodes, links, groups } } };
  };

/** A command to every plane, the document's own among them. */
export const onAllPlanes =
  (command: Command): Command =>
  (document) =>
    Object.keys(document.subgraphs).reduce((current, id) => onPlane(id, command)(current), command(document));

/** The subgraphs that `nodes` stand for, each after those within it: editors that read them one by one know those by then. */
export function usedSubgraphs(document: GraphDocument, nodes: readonly GraphNode[] = nodesOf(document)): Subgraph[] {
  const seen = new Set<SubgraphId>();
  const visit = (list: readonly GraphNode[]): Subgraph[] =>
    list.flatMap(({ type }) => {
      const subgraph = document.subgraphs[type];
      if (!subgraph || seen.has(type)) return [];
      seen.add(type);
      return [...visit(nodesOf(subgraph)), subgraph];
    });
  return visit(nodes);
}

/** Whether a node of type `inner` may stand on the plane of `outer`: not if that would hold itself. */
export function mayHold(document: GraphDocument, outer: SubgraphId | undefined, inner: string): boolean {
  if (outer === undefined || !document.subgraphs[inner]) return true;
  if (outer === inner) return false;
  return !usedSubgraphs(document, nodesOf(document.subgraphs[inner])).some(({ id }) => id === outer);
}
