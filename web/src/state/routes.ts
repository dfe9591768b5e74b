/** Which screen is open: the fragment of the address, so that Back works and nothing is asked of the server. */
import { useSyncExternalStore } from "react";

export const SCREENS = [
  { id: "create", label: "Create" },
  { id: "graph", label: "Graph" },
  { id: "form", label: "Form" },
  { id: "gallery", label: "Gallery" },
  { id: "grid", label: "Grid" },
  { id: "queue", label: "Queue" },
  { id: "models", label: "Models" },
] as const;

export type Screen = (typeof SCREENS)[number]["id"];

const read = (): Screen => {
  const id = location.hash.replace(/^#\/?/, "");
  return SCREENS.find((screen) => screen.id === id)?.id ?? "create";
};

const subscribe = (listener: () => void): (() => void) => {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
};

export const useScreen = (): Screen => useSyncExternalStore(subscribe, read);

export function show(screen: Screen): void {
  location.hash = `/${screen}`;
}
