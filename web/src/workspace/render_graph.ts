import { toEditorForm } from "../document/editor_form_write.ts";
import { type NodeId, nodesOf } from "../document/model.ts";
import { advanceSeeds } from "../document/next_seeds.ts";
import { promptToRun } from "../document/wildcards.ts";
import { studio } from "../service/studio.ts";
import { PromptError, submit } from "../service/submit.ts";
import { toast } from "../state/toasts.ts";
import { workspace } from "./graph.ts";

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
