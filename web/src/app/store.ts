/** A value that views watch: the least that React needs, and nothing that a document would. */
import { useSyncExternalStore } from "react";

export interface Store<T> {
  get(): T;
  set(change: Partial<T> | ((state: T) => Partial<T>)): void;
  subscribe(listener: () => void): () => void;
}

export function createStore<T extends object>(initial: T): Store<T> {
  let state = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => state,
    set(change) {
      state = { ...state, ...(typeof change === "function" ? change(state) : change) };
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** `select` must return the same thing for the same state. */
export function useStore<T extends object, S>(store: Store<T>, select: (state: T) => S): S {
  return useSyncExternalStore(store.subscribe, () => select(store.get()));
}

/** What this tab had, else what any tab of this browser had last; a browser that keeps nothing is no error. */
export function remembered<T>(key: string, otherwise: T): T {
  try {
    const text = sessionStorage.getItem(`obscura.${key}`) ?? localStorage.getItem(`obscura.${key}`);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

export function remember(key: string, value: unknown): void {
  try {
    const text = JSON.stringify(value);
    sessionStorage.setItem(`obscura.${key}`, text);
    localStorage.setItem(`obscura.${key}`, text);
  } catch {
    // Full or forbidden: the page works without.
  }
}
