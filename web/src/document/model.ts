/**
 * A workflow as it is edited: nodes, links and groups on a plane. Values are immutable; commands
 * (commands.ts) make new ones that share what did not change, so that undo is a list of documents.
 */
import type { Json } from "./exact_json.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

export type NodeId = string;
export type LinkId = string;
export type GroupId = string;
export type SubgraphId = string;

/** Muted nodes are left out; bypassed ones hand their inputs on. */
export type Mode = "active" | "muted" | "bypassed";
/** What happens to a seed after each render. */
export type SeedControl = "fixed" | "increment" | "decrement" | "randomize";

export interface GraphNode {
  readonly id: NodeId;
  readonly type: string;
  readonly at: Point;
  readonly size?: Size;
  readonly title?: string;
  /** By input name; an input that is linked keeps its value for when the link goes. */
  readonly values: Readonly<Record<string, Json>>;
  readonly mode: Mode;
  readonly collapsed?: boolean;
  /** What ComfyUI's editor lets people choose and the page does not show, kept for the file: colours and shape. */
  readonly look?: Readonly<Record<string, Json>>;
  readonly seedControl?: SeedControl;
  /** Inputs shown on the form of this document, in this order. */
  readonly exposed?: readonly string[];
}

export interface Link {
  readonly id: LinkId;
  readonly from: NodeId;
  readonly output: number;
  readonly to: NodeId;
  readonly input: string;
}

export interface Group {
  readonly id: GroupId;
  readonly title: string;
  readonly at: Point;
  readonly size: Size;
  readonly color?: string;
}

/** What stands on one plane: that of the document, or of a subgraph. */
export interface Plane {
  readonly nodes: Readonly<Record<NodeId, GraphNode>>;
  readonly links: Readonly<Record<LinkId, Link>>;
  readonly groups: Readonly<Record<GroupId, Group>>;
}

/** An input or output of a subgraph; its name is its own among them. */
export interface Slot {
  readonly id: string;
  readonly name: string;
  readonly type: string;
}

/** A plane that stands as one node on others; that node's type is the id. */
export interface Subgraph extends Plane {
  readonly id: SubgraphId;
  readonly name: string;
  readonly inputs: readonly Slot[];
  readonly outputs: readonly Slot[];
}

export interface GraphDocument extends Plane {
  readonly subgraphs: Readonly<Record<SubgraphId, Subgraph>>;
}

export const EMPTY_DOCUMENT: GraphDocument = { nodes: {}, links: {}, groups: {}, subgraphs: {} };

/** The nodes on a subgraph's plane from which its inputs come, and to which its outputs go; the ids are ComfyUI's. */
export const INPUTS: NodeId = "-10";
export const OUTPUTS: NodeId = "-20";

export const isBoundary = (id: NodeId): boolean => id === INPUTS || id === OUTPUTS;

/** Node types that only the page knows; the engine never sees them. */
export const REROUTE = "Reroute";
export const NOTE = "Note";

export function nodesOf(plane: Plane): GraphNode[] {
  return Object.values(plane.nodes);
}

export function linksOf(plane: Plane): Link[] {
  return Object.values(plane.links);
}

export function linkInto(document: Plane, node: NodeId, input: string): Link | undefined {
  return linksOf(document).find((link) => link.to === node && link.input === input);
}

/** The smallest whole number, as text, above every one in use; `0` stays free, as in ComfyUI. */
export function freshId(taken: Readonly<Record<string, unknown>>): string {
  let highest = 0;
  for (const id of Object.keys(taken)) {
    const number = Number(id);
    if (Number.isInteger(number) && number > highest) highest = number;
  }
  return String(highest + 1);
}

/** One that no plane of the document has: a file's nodes are told apart wherever they stand. */
export function freshNodeId(document: GraphDocument): NodeId {
  const planes = [document, ...Object.values(document.subgraphs)];
  return String(Math.max(...planes.map((plane) => Number(freshId(plane.nodes)))));
}
