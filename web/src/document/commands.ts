/**
 * Every change to a document: pure functions that take one and return the next. What a command does
 * not touch keeps its identity.
 */
import type { Json } from "./exact_json.ts";
import { freshId, type GraphDocument, type GraphNode, type Group, type GroupId, isBoundary, type LinkId, type Mode, type NodeId, type Point, type SeedControl, type Size } from "./model.ts";
import { initialValues, type NodeType } from "./node_types.ts";
import type { Output } from "./wiring.ts";

export type Command = (document: GraphDocument) => GraphDocument;

/** Several commands as one step of undo. */
export const together =
  (...commands: Command[]): Command =>
  (document) =>
    commands.reduce((current, command) => command(current), document);

export function without<T>(record: Readonly<Record<string, T>>, drop: (value: T) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => !drop(value)));
}

const changeNode =
  (id: NodeId, change: (node: GraphNode) => GraphNode): Command =>
  (document) => {
    const node = document.nodes[id];
    if (!node) return document;
    const changed = change(node);
    return changed === node ? document : { ...document, nodes: { ...document.nodes, [id]: changed } };
  };

export function newNode(id: NodeId, type: NodeType, at: Point): GraphNode {
  return { id, type: type.id, at, values: initialValues(type), mode: "active" };
}

export const addNode =
  (node: GraphNode): Command =>
  (document) => ({ ...document, nodes: { ...document.nodes, [node.id]: node } });

export const removeNodes =
  (ids: readonly NodeId[]): Command =>
  (document) => {
    const gone = new Set(ids.filter((id) => document.nodes[id] && !isBoundary(id)));
    if (gone.size === 0) return document;
    return {
      ...document,
      nodes: without(document.nodes, (node) => gone.has(node.id)),
      links: without(document.links, (link) => gone.has(link.from) || gone.has(link.to)),
    };
  };

export const moveNodes =
  (places: Readonly<Record<NodeId, Point>>): Command =>
  (document) => {
    const nodes = { ...document.nodes };
    let moved = false;
    for (const [id, at] of Object.entries(places)) {
      const node = nodes[id];
      if (!node || (node.at.x === at.x && node.at.y === at.y)) continue;
      nodes[id] = { ...node, at };
      moved = true;
    }
    return moved ? { ...document, nodes } : document;
  };

export const setValue = (id: NodeId, input: string, value: Json): Command =>
  changeNode(id, (node) =>
    node.values[input] === value ? node : { ...node, values: { ...node.values, [input]: value } },
  );

export const setTitle = (id: NodeId, title: string): Command =>
  changeNode(id, (node) => ({ ...node, title: title.trim() || undefined }));

export const setSize = (id: NodeId, size: Size): Command => changeNode(id, (node) => ({ ...node, size }));

export const setSeedControl = (id: NodeId, seedControl: SeedControl): Command =>
  changeNode(id, (node) => ({ ...node, seedControl }));

export const setMode = (ids: readonly NodeId[], mode: Mode): Command =>
  together(...ids.map((id) => changeNode(id, (node) => (node.mode === mode || isBoundary(id) ? node : { ...node, mode }))));

export const setCollapsed = (ids: readonly NodeId[], collapsed: boolean): Command =>
  together(...ids.map((id) => changeNode(id, (node) => ({ ...node, collapsed }))));

export const setExposed = (id: NodeId, input: string, exposed: boolean): Command =>
  changeNode(id, (node) => {
    const others = (node.exposed ?? []).filter((name) => name !== input);
    return { ...node, exposed: exposed ? [...others, input] : others };
  });

/** A link into an input that has one takes its place. */
export const connect =
  (from: Output, to: NodeId, input: string): Command =>
  (document) => {
    const links = without(document.links, (link) => link.to === to && link.input === input);
    const id = freshId(document.links);
    links[id] = { id, from: from.node, output: from.slot, to, input };
    return { ...document, links };
  };

export const disconnect =
  (ids: readonly LinkId[]): Command =>
  (document) => {
    const gone = new Set(ids);
    return { ...document, links: without(document.links, (link) => gone.has(link.id)) };
  };

/** Puts `reroute` into the middle of a link. */
export const splitLink =
  (id: LinkId, reroute: GraphNode): Command =>
  (document) => {
    const link = document.links[id];
    if (!link) return document;
    return together(
      addNode(reroute),
      disconnect([id]),
      connect({ node: link.from, slot: link.output }, reroute.id, ""),
      connect({ node: reroute.id, slot: 0 }, link.to, link.input),
    )(document);
  };

export const putGroup =
  (group: Group): Command =>
  (document) => ({ ...document, groups: { ...document.groups, [group.id]: group } });

export const removeGroups =
  (ids: readonly GroupId[]): Command =>
  (document) => {
    const gone = new Set(ids);
    return { ...document, groups: without(document.groups, (group) => gone.has(group.id)) };
  };

