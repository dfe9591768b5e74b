/** What is copied and pasted: nodes, with the links among them and the subgraphs that they stand for. */
import { freshId, freshNodeId, type GraphDocument, type GraphNode, type Group, type GroupId, isBoundary, type Link, linksOf, type NodeId, type Point, type Subgraph } from "./model.ts";
import { usedSubgraphs } from "./planes.ts";

/** Nodes with the links among them, as they are copied; with the subgraphs that they stand for. */
export interface Fragment {
  readonly nodes: readonly GraphNode[];
  readonly links: readonly Link[];
  readonly groups: readonly Group[];
  readonly subgraphs: readonly Subgraph[];
}

export function copy(document: GraphDocument, ids: readonly NodeId[], groups: readonly GroupId[] = []): Fragment {
  const wanted = new Set(ids.filter((id) => !isBoundary(id)));
  const nodes = [...wanted].flatMap((id) => document.nodes[id] ?? []);
  return {
    nodes,
    links: linksOf(document).filter((link) => wanted.has(link.from) && wanted.has(link.to)),
    groups: groups.flatMap((id) => document.groups[id] ?? []),
    subgraphs: usedSubgraphs(document, nodes),
  };
}

/** Pastes with the top left corner at `at`; returns the new nodes' ids as well. */
export function paste(document: GraphDocument, fragment: Fragment, at: Point): [GraphDocument, NodeId[]] {
  const left = Math.min(...fragment.nodes.map((node) => node.at.x), ...fragment.groups.map((group) => group.at.x));
  const top = Math.min(...fragment.nodes.map((node) => node.at.y), ...fragment.groups.map((group) => group.at.y));
  const moved = (point: Point): Point => ({ x: point.x - left + at.x, y: point.y - top + at.y });
  const brought = Object.fromEntries(fragment.subgraphs.map((subgraph) => [subgraph.id, subgraph]));
  const subgraphs = { ...brought, ...document.subgraphs };
  const nodes = { ...document.nodes };
  const links = { ...document.links };
  const groups = { ...document.groups };
  const renamed = new Map<NodeId, NodeId>();
  for (const node of fragment.nodes) {
    const id = freshNodeId({ nodes, links, groups, subgraphs });
    renamed.set(node.id, id);
    nodes[id] = { ...node, id, at: moved(node.at) };
  }
  for (const link of fragment.links) {
    const [from, to] = [renamed.get(link.from), renamed.get(link.to)];
    if (from === undefined || to === undefined) continue;
    const id = freshId(links);
    links[id] = { ...link, id, from, to };
  }
  for (const group of fragment.groups) {
    const id = freshId(groups);
    groups[id] = { ...group, id, at: moved(group.at) };
  }
  return [{ nodes, links, groups, subgraphs }, [...renamed.values()]];
}
