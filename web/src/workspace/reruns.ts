/** A finished job once more: as it was, or with other seeds. */
import { fromPrompt } from "../document/api_form.ts";
import { fromEditorForm, isEditorForm } from "../document/editor_form.ts";
import { toEditorForm } from "../document/editor_form_write.ts";
import type { JsonObject } from "../document/exact_json.ts";
import { type GraphDocument, nodesOf } from "../document/model.ts";
import type { NodeTypes } from "../document/node_types.ts";
import { onAllPlanes } from "../document/planes.ts";
import { randomSeed } from "../document/seeds.ts";
import { withSubgraphs } from "../document/subgraph_types.ts";
import { promptToRun } from "../document/wildcards.ts";
import type { Job } from "../service/jobs.ts";
import { submit } from "../service/submit.ts";

export function documentOf(job: Job, types: NodeTypes): GraphDocument {
  if (job.workflow && isEditorForm(job.workflow)) return fromEditorForm(job.workflow, types);
  return fromPrompt(job.prompt as unknown as JsonObject, types);
}

/** The same job once more: the same images, bit for bit. */
export async function sameAgain(job: Job, types: NodeTypes): Promise<string> {
  return (await submit(job.prompt, job.workflow ?? toEditorForm(documentOf(job, types), types))).id;
}

/** The same graph with other seeds. */
export function varied(document: GraphDocument, types: NodeTypes): GraphDocument {
  return onAllPlanes((plane) => {
    const all = withSubgraphs(plane.subgraphs, types);
    const nodes = { ...plane.nodes };
    for (const node of nodesOf(plane)) {
      for (const input of all.get(node.type)?.inputs ?? []) {
        if (!/^(noise_)?seed$/.test(input.name) || node.values[input.name] === undefined) continue;
        nodes[node.id] = { ...node, values: { ...node.values, [input.name]: randomSeed(input.max) } };
      }
    }
    return { ...plane, nodes };
  })(document);
}

export async function vary(job: Job, types: NodeTypes): Promise<string> {
  const document = varied(documentOf(job, types), types);
  return (await submit(promptToRun(document, types), toEditorForm(document, types))).id;
}
