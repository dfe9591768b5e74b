/** Model files on their way to the server. */
import { parseJson } from "../document/exact_json.ts";
import { kindOfHeader } from "../files/model_header.ts";
import { createStore } from "../state/store.ts";
import type { ImportedModel, Model } from "./api_types.ts";
import { messageOf } from "./http.ts";
import { sendFile } from "./send_file.ts";
import { loadTypes } from "./studio.ts";

export interface Import {
  readonly id: number;
  readonly name: string;
  readonly kind: string;
  readonly bytes: number;
  readonly sent: number;
  /** All of it is there, and the server reads it. */
  readonly checking: boolean;
  readonly error?: string;
}

export const imports = createStore<{ readonly list: readonly Import[] }>({ list: [] });

const running = new Map<number, AbortController>();
let next = 1;

const change = (id: number, part: Partial<Import>): void =>
  imports.set(({ list }) => ({ list: list.map((each) => (each.id === id ? { ...each, ...part } : each)) }));

export function dismissImport(id: number): void {
  running.get(id)?.abort();
  imports.set(({ list }) => ({ list: list.filter((each) => each.id !== id) }));
}

/** `fallback`: the kind of files that do not say theirs. Nothing comes of what was stopped or refused; the list says why. */
export async function importModel(file: File, fallback: string): Promise<Model | undefined> {
  const kind = (await kindOfHeader(file)) ?? fallback;
  const id = next++;
  const abort = new AbortController();
  running.set(id, abort);
  imports.set(({ list }) => ({ list: [...list, { id, name: file.name, kind, bytes: file.size, sent: 0, checking: false }] }));
  try {
    const { status, text } = await sendFile(`/api/v1/models/${encodeURIComponent(kind)}/${encodeURIComponent(file.name)}`, file, {
      signal: abort.signal,
      progress: (sent) => change(id, { sent, checking: sent >= file.size }),
    });
    const body = parseJson(text || "null");
    if (status >= 300) throw new Error(messageOf(status, body));
    imports.set(({ list }) => ({ list: list.filter((each) => each.id !== id) }));
    await loadTypes();
    return (body as unknown as ImportedModel).model;
  } catch (error) {
    if (!abort.signal.aborted) change(id, { error: (error as Error).message, checking: false });
    return undefined;
  } finally {
    running.delete(id);
  }
}
