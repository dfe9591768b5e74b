/** Jobs that the page sends, ends and forgets. */
import type { Prompt } from "../document/api_form.ts";
import { isObject, type Json, type JsonObject } from "../document/exact_json.ts";
import type { NodeId } from "../document/model.ts";
import { client } from "./client.ts";
import { HttpError, postJson } from "./http.ts";
import { refresh } from "./studio.ts";

export interface NodeErrors {
  readonly [node: NodeId]: readonly { readonly message: string; readonly input?: string }[];
}

/** The server would not take a job; `nodes` says where. */
export class PromptError extends Error {
  readonly nodes: NodeErrors;
  constructor(message: string, nodes: NodeErrors) {
    super(message);
    this.nodes = nodes;
  }
}

function readNodeErrors(json: Json | undefined): NodeErrors {
  const errors: Record<NodeId, { message: string; input?: string }[]> = {};
  for (const [node, entry] of Object.entries(isObject(json) ? json : {})) {
    if (!isObject(entry) || !Array.isArray(entry.errors)) continue;
    errors[node] = entry.errors.filter(isObject).map((error) => {
      const extra = isObject(error.extra_info) ? error.extra_info : {};
      const details = typeof error.details === "string" && error.details ? `: ${error.details}` : "";
      return {
        message: `${String(error.message)}${details}`,
        input: typeof extra.input_name === "string" ? extra.input_name : undefined,
      };
    });
  }
  return errors;
}

export interface Submitted {
  readonly id: string;
  readonly nodeErrors: NodeErrors;
}

export async function submit(
  prompt: Prompt,
  workflow: JsonObject,
  options: { front?: boolean; targets?: readonly NodeId[] } = {},
): Promise<Submitted> {
  const body = {
    prompt,
    client_id: client,
    extra_data: { extra_pnginfo: { workflow }, preview_method: "auto" },
    ...(options.front ? { front: true } : {}),
    ...(options.targets ? { partial_execution_targets: options.targets } : {}),
  };
  try {
    const answer = await postJson("/prompt", body);
    void refresh();
    const fields = isObject(answer) ? answer : {};
    return { id: String(fields.prompt_id), nodeErrors: readNodeErrors(fields.node_errors) };
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const nodes = isObject(error.body) ? readNodeErrors(error.body.node_errors) : {};
    throw new PromptError(error.message, nodes);
  }
}

export async function interrupt(job?: string): Promise<void> {
  await postJson("/interrupt", job ? { prompt_id: job } : {});
}

export async function cancel(jobs: readonly string[]): Promise<void> {
  await postJson("/queue", { delete: jobs });
  void refresh();
}

export async function forget(jobs: readonly string[]): Promise<void> {
  await postJson("/history", { delete: jobs });
  void refresh();
}
