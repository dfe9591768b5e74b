/** Short messages at the edge of the page. */
import { createStore } from "./store.ts";

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly kind: "good" | "bad";
}

export const toasts = createStore<{ readonly list: readonly Toast[] }>({ list: [] });

let next = 1;

export function dismiss(id: number): void {
  toasts.set((state) => ({ list: state.list.filter((toast) => toast.id !== id) }));
}

/** What went wrong before does not matter any more. */
export function settle(): void {
  toasts.set((state) => ({ list: state.list.filter((toast) => toast.kind !== "bad") }));
}

/** What went wrong stays longer. */
export function toast(text: string, kind: Toast["kind"] = "good"): void {
  const id = next++;
  toasts.set((state) => ({ list: [...state.list, { id, text, kind }].slice(-4) }));
  setTimeout(() => dismiss(id), kind === "bad" ? 9000 : 3500);
}

/** Does it; where it fails, says why. */
export async function guarded(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    toast((error as Error).message, "bad");
  }
}
