/** Small versions of images, where the server has made them. */
import { createStore } from "../state/store.ts";
import type { ResultList } from "./api_types.ts";
import { address, getApi } from "./http.ts";
import { type ImageFile, imageKey, imageUrl } from "./images.ts";

export const thumbnails = createStore<{ readonly known: ReadonlyMap<string, string> }>({ known: new Map() });

export async function loadThumbnails(): Promise<void> {
  const { results } = await getApi<ResultList>("results?limit=1000");
  const known = new Map<string, string>();
  for (const { filename, subfolder, thumbnail_url } of results) known.set(imageKey({ filename, subfolder, type: "output" }), thumbnail_url);
  thumbnails.set({ known });
}

export function thumbnailUrl(image: ImageFile): string {
  const known = thumbnails.get().known.get(imageKey(image));
  return known === undefined ? imageUrl(image) : address(known);
}
