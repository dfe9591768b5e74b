/** The open graph, kept in the browser. */
import { Editor } from "../document/editor.ts";
import { fromEditorForm, isEditorForm } from "../document/editor_form.ts";
import { toEditorForm } from "../document/editor_form_write.ts";
import { formatJson, isObject, type JsonObject, parseJson } from "../document/exact_json.ts";
import type { NodeTypes } from "../document/node_types.ts";
import { remember, remembered } from "../state/remembered.ts";
import { workspace } from "./graph.ts";

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
