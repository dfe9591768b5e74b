/** The graph that is open, and the jobs that came of it. */
import type { Command } from "../document/commands.ts";
import { Editor } from "../document/editor.ts";
import { EMPTY_DOCUMENT, type GraphDocument, type NodeId } from "../document/model.ts";
import { onPlane, type Place, placeAt } from "../document/planes.ts";
import type { NodeErrors } from "../service/submit.ts";
import { remembered } from "../state/remembered.ts";
import { createStore } from "../state/store.ts";
import { settle } from "../state/toasts.ts";

export interface Workspace {
  readonly editor: Editor;
  readonly name: string;
  readonly errors: NodeErrors;
  /** Newest last; the last that showed something is seen on the nodes. */
  readonly jobs: readonly string[];
  /** The subgraphs' nodes that were entered, outermost first. */
  readonly path: readonly NodeId[];
  /** Counts documents opened, so that the view knows when to look at the whole. */
  readonly opened: number;
}

export const workspace = createStore<Workspace>({
  editor: new Editor(EMPTY_DOCUMENT),
  name: "Untitled",
  errors: {},
  jobs: remembered<string[]>("graph.jobs", []),
  path: [],
  opened: 0,
});

/** The plane that is looked at. */
export function here(): Place {
  const { editor, path } = workspace.get();
  return placeAt(editor.document, path);
}

export const present = (): GraphDocument => here().document;

/** What the engine calls a node of this plane. */
export const fullId = (id: NodeId): string => [...here().path, id].join(":");

export const enter = (id: NodeId): void => workspace.set({ path: [...here().path, id] });
export const leaveTo = (depth: number): void => workspace.set({ path: here().path.slice(0, depth) });

/** Changes the plane that is looked at. */
export const edit = (label: string, command: Command, join?: string): void => editWhole(label, onPlane(here().subgraph?.id, command), join);

/** Where each document was made of the one before. */
const madeAt = new WeakMap<GraphDocument, readonly NodeId[]>();

export function editWhole(label: string, command: Command, join?: string): void {
  const { editor } = workspace.get();
  const before = editor.document;
  const { path } = here();
  editor.apply(label, command, join);
  if (editor.document !== before) madeAt.set(editor.document, path);
}

/** What is taken back, or done again, is seen: inside the subgraph where it was. */
function goTo(path: readonly NodeId[] | undefined): void {
  if (path && path.join() !== here().path.join()) workspace.set({ path });
}

export function undo(): void {
  const { editor } = workspace.get();
  const path = madeAt.get(editor.document);
  editor.undo();
  goTo(path);
}

export function redo(): void {
  const { editor } = workspace.get();
  editor.redo();
  goTo(madeAt.get(editor.document));
}

/** The document before is one undo away. */
export function openDocument(document: GraphDocument, name: string): void {
  settle();
  editWhole(`Open ${name}`, () => document);
  workspace.set((state) => ({ name, errors: {}, jobs: [], path: [], opened: state.opened + 1 }));
}

