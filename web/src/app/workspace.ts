/** The graph that is open, and the jobs that came of it. */
import { setValue, together, type Command } from "../document/commands.ts";
import { fromEditorForm, isEditorForm } from "../document/editor_form.ts";
import { toEditorForm } from "../document/editor_form_write.ts";
import { Editor } from "../document/editor.ts";
import { formatJson, isObject, parseJson, type JsonObject } from "../document/exact_json.ts";
import { EMPTY_DOCUMENT, nodesOf, type GraphDocument, type NodeId, type SeedControl } from "../document/model.ts";
import type { NodeTypes } from "../document/node_types.ts";
import { promptToRun } from "../document/wildcards.ts";
import { onAllPlanes, onPlane, placeAt, type Place } from "../document/planes.ts";
import { randomSeed } from "../document/seeds.ts";
import { withSubgraphs } from "../document/subgraph_types.ts";
import { openBytes } from "../files/open.ts";
import { PromptError, studio, submit, whenTypes, type NodeErrors } from "../service/studio.ts";
import { workflowInPicture } from "../service/picture_workflow.ts";
import { createStore, remember, remembered } from "./store.ts";
import { settle, toast } from "./toasts.ts";

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

export async function openFile(file: File): Promise<boolean> {
  const types = await whenTypes();
  try {
    const document = await openBytes(new Uint8Array(await file.arrayBuffer()), file.name, types, workflowInPicture);
    openDocument(document, file.name.replace(/\.(json|png|webp|jpe?g|tiff?|exr)$/i, ""));
    return true;
  } catch (error) {
    toast((error as Error).message, "bad");
    return false;
  }
}

function nextSeed(seed: number | bigint, control: SeedControl, max: number): number | bigint {
  if (control === "randomize") return randomSeed(max);
  const step = control === "increment" ? 1 : -1;
  if (typeof seed === "bigint") return seed + BigInt(step);
  return Math.min(max, Math.max(0, seed + step));
}

/** The seeds for the next render; as in ComfyUI they change after a job was taken. */
export const advanceSeeds = (types: NodeTypes): Command => onAllPlanes((plane) => seedsOf(plane, withSubgraphs(plane.subgraphs, types))(plane));

function seedsOf(document: GraphDocument, types: NodeTypes): Command {
  const commands: Command[] = [];
  for (const node of nodesOf(document)) {
    const control = node.seedControl ?? "fixed";
    const input = types.get(node.type)?.inputs.find((spec) => spec.isSeed);
    const seed = input && node.values[input.name];
    if (!input || control === "fixed" || (typeof seed !== "number" && typeof seed !== "bigint")) continue;
    commands.push(setValue(node.id, input.name, nextSeed(seed, control, input.max ?? 2 ** 48)));
  }
  return together(...commands);
}

export async function renderGraph(targets?: readonly NodeId[]): Promise<void> {
  const types = studio.get().types;
  if (!types) return;
  const { editor } = workspace.get();
  const document = editor.document;
  if (nodesOf(document).length === 0) {
    toast("The graph is empty. Double-click it to add a node.", "bad");
    return;
  }
  try {
    const submitted = await submit(promptToRun(document, types), toEditorForm(document, types), { targets });
    workspace.set((state) => ({ errors: submitted.nodeErrors, jobs: [...state.jobs, submitted.id].slice(-20) }));
    editor.apply("Seed", advanceSeeds(types), "seed");
  } catch (error) {
    const nodes = error instanceof PromptError ? error.nodes : {};
    workspace.set({ errors: nodes });
    const count = Object.keys(nodes).length;
    const where = count === 1 ? "One node needs a change" : `${count} nodes need a change`;
    toast(count > 0 ? `${where} before this graph can run: see what is marked red.` : (error as Error).message, "bad");
  }
}

export function graphAsJson(types: NodeTypes): JsonObject {
  return toEditorForm(workspace.get().editor.document, types);
}

const KEPT = "graph.document";

/** What was open comes back after a reload. */
export function restore(types: NodeTypes): void {
  const kept = remembered<{ name: string; workflow: string } | null>(KEPT, null);
  if (kept) {
    const json = parseJson(kept.workflow);
    if (isObject(json) && isEditorForm(json)) {
      workspace.set((state) => ({
        editor: new Editor(fromEditorForm(json, types)),
        name: kept.name,
        opened: state.opened + 1,
      }));
    }
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  let watched: Editor | undefined;
  let stop = () => {};
  const keep = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const { name, jobs } = workspace.get();
      remember(KEPT, { name, workflow: formatJson(graphAsJson(types)) });
      remember("graph.jobs", jobs);
    }, 400);
  };
  const watch = () => {
    const { editor } = workspace.get();
    if (editor !== watched) {
      stop();
      watched = editor;
      stop = editor.subscribe(keep);
    }
    keep();
  };
  workspace.subscribe(watch);
  watch();
}
