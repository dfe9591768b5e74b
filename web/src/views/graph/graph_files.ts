/** The open graph to a file, and a file to the open graph. */
import { toPrompt } from "../../document/api_form.ts";
import { formatJson } from "../../document/exact_json.ts";
import type { NodeTypes } from "../../document/node_types.ts";
import { chooseFiles, download } from "../../files/browser_files.ts";
import { workspace } from "../../workspace/graph.ts";
import { graphAsJson } from "../../workspace/keep_graph.ts";
import { openFile } from "../../workspace/open_file.ts";

export function saveGraph(form: "editor" | "api", types: NodeTypes): void {
  const { name, editor } = workspace.get();
  const json = form === "editor" ? graphAsJson(types) : toPrompt(editor.document, types);
  download(formatJson(json, 2), form === "editor" ? `${name}.json` : `${name}.api.json`, "application/json");
}

export async function chooseGraph(): Promise<void> {
  const [file] = await chooseFiles(".json,image/png,image/webp");
  if (file) await openFile(file);
}
