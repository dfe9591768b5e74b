/** Opening subgraphs up: each node that stands for one is replaced by what is inside it, wired through. */
import { without } from "./commands.ts";
import { freshId, freshNodeId, type GraphDocument, type GraphNode, INPUTS, isBoundary, linkInto, linksOf, type NodeId, nodesOf, OUTPUTS, type Plane } from "./model.ts";

/** What a subgraph that holds itself comes to. */
const MOST_NODES = 20_000;
const MOST_DEPTH = 16;

/** `rename` names the nodes that come out; values of the outer node go to the fields that they stand for. */
function openOne(document: GraphDocument, outer: GraphNode, rename: (inner: NodeId) => NodeId): Plane {
  const subgraph = document.subgraphs[outer.type]!;
  const nodes: Record<NodeId, GraphNode> = without(document.nodes, (node) => node.id === outer.id);
  for (const node of nodesOf(subgraph)) {
    if (!isBoundary(node.id)) nodes[rename(node.id)] = { ...node, id: rename(node.id) };
  }
  const links = without(document.links, (link) => link.from === outer.id || link.to === outer.id);
  const leaving = linksOf(document).filter((link) => link.from === outer.id);
  const add = (from: NodeId, output: number, to: NodeId, input: string): void => {
    const id = freshId(links);
    links[id] = { id, from, output, to, input };
  };
  for (const link of linksOf(subgraph)) {
    let [from, output] = [rename(link.from), link.output];
    if (link.from === INPUTS) {
      const slot = subgraph.inputs[link.output];
      if (!slot) continue;
      const entering = linkInto(document, outer.id, slot.name);
      const target = nodes[rename(link.to)];
      const value = outer.values[slot.name];
      if (!entering && target && value !== undefined) {
        nodes[target.id] = { ...target, values: { ...target.values, [link.input]: value } };
      }
      if (!entering) continue;
      [from, output] = [entering.from, entering.output];
    }
    if (link.to !== OUTPUTS) {
      add(from, output, rename(link.to), link.input);
      continue;
    }
    const slot = subgraph.outputs.findIndex(({ name }) => name === link.input);
    for (const out of leaving) if (out.output === slot) add(from, output, out.to, out.input);
  }
  return { nodes, links, groups: document.groups };
}

/** A document without subgraphs. A node of a subgraph is named as ComfyUI names it: 12:5 is node 5 inside node 12. */
export function flatten(document: GraphDocument): GraphDocument {
  let flat = document;
  for (;;) {
    const outer = nodesOf(flat).find((node) => node.mode === "active" && document.subgraphs[node.type] && node.id.split(":").length <= MOST_DEPTH);
    if (!outer || nodesOf(flat).length > MOST_NODES) return flat;
    flat = { ...flat, ...openOne(flat, outer, (inner) => `${outer.id}:${inner}`) };
  }
}

/** Puts what is inside a subgraph's node in its place; returns the nodes' new ids as well. */
export function dissolve(document: GraphDocument, id: NodeId): [GraphDocument, NodeId[]] {
  const outer = document.nodes[id];
  const subgraph = outer && document.subgraphs[outer.type];
  if (!outer || !subgraph) return [document, []];
  const inner = nodesOf(subgraph).filter((node) => !isBoundary(node.id));
  let next = Number(freshNodeId(document));
  const names = new Map(inner.map((node) => [node.id, String(next++)]));
  const opened = openOne(document, outer, (name) => names.get(name) ?? name);
  const left = Math.min(...inner.map((node) => node.at.x));
  const top = Math.min(...inner.map((node) => node.at.y));
  const moved = (at: GraphNode["at"]) => ({ x: at.x - left + outer.at.x, y: at.y - top + outer.at.y });
  const nodes = { ...opened.nodes };
  for (const name of names.values()) {
    const node = nodes[name]!;
    nodes[name] = { ...node, at: moved(node.at), mode: outer.mode === "active" ? node.mode : outer.mode };
  }
  const groups = { ...opened.groups };
  for (const group of Object.values(subgraph.groups)) {
    const fresh = freshId(groups);
    groups[fresh] = { ...group, id: fresh, at: moved(group.at) };
  }
  return [{ ...document, nodes, links: opened.links, groups }, [...names.values()]];
}
