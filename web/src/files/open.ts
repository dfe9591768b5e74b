/** Whatever holds a workflow: either JSON form, or an image that carries one. */
import { fromPrompt, isPrompt } from "../document/api_form.ts";
import { fromEditorForm, isEditorForm } from "../document/editor_form.ts";
import { isObject, type Json, parseJson } from "../document/exact_json.ts";
import type { GraphDocument } from "../document/model.ts";
import type { NodeTypes } from "../document/node_types.ts";
import { readTexts } from "./image_metadata.ts";

export function documentFrom(json: Json, types: NodeTypes): GraphDocument | undefined {
  if (isEditorForm(json)) return fromEditorForm(json, types);
  if (isPrompt(json)) return fromPrompt(json, types);
  // What /history and clients keep: the API form one level down.
  if (isObject(json) && isObject(json.prompt) && isPrompt(json.prompt)) return fromPrompt(json.prompt, types);
  return undefined;
}

/** The workflow in an image that this page cannot read itself: of another format, or with AUTOMATIC1111's parameters. */
export type AskForWorkflow = (image: Uint8Array) => Promise<Json | undefined>;

const unasked: AskForWorkflow = () => Promise.resolve(undefined);

/** How PNG, JPEG, WebP, TIFF (two ways) and OpenEXR begin. */
const IMAGE_BEGINNINGS = [[0x89, 0x50], [0xff, 0xd8], [0x52, 0x49], [0x49, 0x49], [0x4d, 0x4d], [0x76, 0x2f]];

export async function openBytes(
  bytes: Uint8Array,
  name: string,
  types: NodeTypes,
  ask: AskForWorkflow = unasked,
): Promise<GraphDocument> {
  const texts = await readTexts(bytes);
  for (const key of ["workflow", "prompt"]) {
    const text = texts.get(key);
    const document = text === undefined ? undefined : documentFrom(parseJson(text), types);
    if (document) return document;
  }
  if (texts.size > 0 || IMAGE_BEGINNINGS.some(([first, second]) => bytes[0] === first && bytes[1] === second)) {
    const found = await ask(bytes);
    const document = found === undefined ? undefined : documentFrom(found, types);
    if (document) return document;
    throw new Error(`${name} is an image without a workflow inside. Its recipe may have been removed for export.`);
  }
  let json: Json;
  try {
    json = parseJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Error(`${name} is neither a workflow (JSON) nor an image that carries one.`);
  }
  const document = documentFrom(json, types);
  if (!document) throw new Error(`${name} is JSON, but not a workflow in ComfyUI's editor form or API form.`);
  return document;
}

