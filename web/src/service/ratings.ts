/** Stars, kept by the server beside the user's other data, so that every tab and browser sees them. */
import { isObject } from "../document/exact_json.ts";
import { createStore } from "../state/store.ts";
import { getJson, HttpError, postJson } from "./http.ts";

const FILE = "/userdata/obscura.ratings.json";

export const ratings = createStore<{ readonly stars: Readonly<Record<string, number>>; readonly loaded: boolean }>({ stars: {}, loaded: false });

async function read(): Promise<Record<string, number>> {
  try {
    const json = await getJson(FILE);
    return isObject(json) ? (json as Record<string, number>) : {};
  } catch (error) {
    if (error instanceof HttpError && error.status === 404) return {};
    throw error;
  }
}

export async function loadRatings(): Promise<void> {
  ratings.set({ stars: await read(), loaded: true });
}

/** Reads before it writes: another tab may have rated something meanwhile. */
export async function rate(key: string, stars: number): Promise<void> {
  ratings.set((state) => ({ stars: { ...state.stars, [key]: stars } }));
  const all = { ...(await read()), [key]: stars };
  if (stars === 0) delete all[key];
  await postJson(`${FILE}?overwrite=true`, all);
  ratings.set({ stars: all });
}
