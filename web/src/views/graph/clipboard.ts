/** Copies of nodes, between graphs and tabs. */
import { formatJson, isObject, parseJson } from "../../document/exact_json.ts";
import { copy, type Fragment, paste } from "../../document/fragment.ts";
import type { NodeId, Point } from "../../document/model.ts";
import { mayHold } from "../../document/planes.ts";
import { toast } from "../../state/toasts.ts";
import { edit, here, present } from "../../workspace/graph.ts";

const CLIPBOARD = "obscura.fragment";

let clipboard = "";

export function copyNodes(ids: readonly NodeId[], groups: readonly string[]): void {
  if (ids.length + groups.length === 0) return;
  clipboard = formatJson({ [CLIPBOARD]: copy(present(), ids, groups) });
  // Other tabs paste from the system's clipboard; a browser that forbids it still pastes here.
  void navigator.clipboard?.writeText(clipboard).catch(() => undefined);
}

function fragmentOf(text: string): Fragment | undefined {
  try {
    const json = parseJson(text);
    const found = isObject(json) ? json[CLIPBOARD] : undefined;
    return isObject(found) ? (found as unknown as Fragment) : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the ids of what was pasted. */
export async function pasteNodes(at: Point): Promise<NodeId[]> {
  let fragment = fragmentOf(clipboard);
  if (!fragment) {
    const text = await navigator.clipboard?.readText().catch(() => "");
    fragment = fragmentOf(text ?? "");
  }
  if (!fragment || fragment.nodes.length + fragment.groups.length === 0) return [];
  if (!fragment.nodes.every((node) => mayHold(present(), here().subgraph?.id, node.type))) {
    toast("A subgraph cannot hold itself.", "bad");
    return [];
  }
  const [next, ids] = paste(present(), fragment, at);
  edit("Paste", () => next);
  return ids;
}
