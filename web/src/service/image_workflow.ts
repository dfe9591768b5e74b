/** The workflow in an image, as the server reads it: in any format, and AUTOMATIC1111's parameters too. */
import { isObject, type Json, parseJson } from "../document/exact_json.ts";
import { postJson } from "./http.ts";

function base64(bytes: Uint8Array): string {
  let text = "";
  const step = 0x8000; // As many arguments as a call takes anywhere.
  for (let at = 0; at < bytes.length; at += step) text += String.fromCharCode(...bytes.subarray(at, at + step));
  return btoa(text);
}

/** A workflow in either form; undefined where the image tells of none. */
export async function workflowInImage(image: Uint8Array): Promise<Json | undefined> {
  const answer = await postJson("/sdapi/v1/png-info", { image: base64(image) });
  if (!isObject(answer)) return undefined;
  const texts = isObject(answer.items) ? answer.items : {};
  for (const text of [texts.workflow, texts.prompt]) if (typeof text === "string") return parseJson(text);
  return answer.workflow;
}
