/** Small versions of pictures, where the server has made them. */
import { createStore } from "../app/store.ts";
import type { ResultList } from "./api_types.ts";
import { address, getApi } from "./http.ts";
import { pictureKey, pictureUrl, type Picture } from "./jobs.ts";

export const thumbnails = createStore<{ readonly known: ReadonlyMap<string, string> }>({ known: new Map() });

export async function loadThumbnails(): Promise<void> {
  const { results } = await getApi<ResultList>("results?limit=1000");
  const known = new Map<string, string>();
  for (const { filename, subfolder, thumbnail_url } of results) known.set(pictureKey({ filename, subfolder, type: "output" }), thumbnail_url);
  thumbnails.set({ known });
}

export function thumbnailUrl(picture: Picture): string {
  const known = thumbnails.get().known.get(pictureKey(picture));
  return known === undefined ? pictureUrl(picture) : address(known);
}
