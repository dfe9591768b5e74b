/** What becomes of files dropped on the page: the screen that is open may want them before they are opened as a graph. */
import { useEffect } from "react";
import { createStore } from "./store.ts";

interface Drops {
  readonly hint?: string;
  /** Whether it took them. */
  readonly take?: (files: readonly File[]) => boolean;
}

export const drops = createStore<Drops>({});

/** While the component stands. */
export function useDrops(hint: string, take: (files: readonly File[]) => boolean): void {
  useEffect(() => {
    drops.set({ hint, take });
    return () => drops.set({ hint: undefined, take: undefined });
  }, [hint, take]);
}
