/** Small versions of pictures, where the server has made them. */
import { createStore } from "../app/store.ts";
import { isObject } from "../document/exact_json.ts";
import { address, getJson } from "./http.ts";
import { pictureKey, pictureUrl, type Picture } from "./jobs.ts";

export const thumbnails = createStore<{ readonly known: ReadonlyMap<string, string> }>({ known: new Map() });

export async function loadThumbnails(): Promise<void> {
  const answer = await getJson("/api/v1/results?limit=1000");
  const known = new Map<string, string>();
  for (const result of isObject(answer) && Array.isArray(answer.results) ? answer.results : []) {
    if (!isObject(result) || typeof result.thumbnail_url !== "string") continue;
    const picture = { filename: String(result.filename), subfolder: String(result.subfolder), type: String(result.kind) };
    known.set(pictureKey(picture), result.thumbnail_url);
  }
  thumbnails.set({ known });
}

export function thumbnailUrl(picture: Picture): string {
  const known = thumbnails.get().known.get(pictureKey(picture));
  return known === undefined ? pictureUrl(picture) : address(known);
}
