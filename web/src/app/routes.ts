/** Which screen is open: the fragment of the address, so that Back works and nothing is asked of the server. */
import { useSyncExternalStore } from "react";
import type { IconName } from "../design/icons.tsx";

export interface Screen {
  readonly id: string;
  readonly label: string;
  readonly icon: IconName;
}

export const SCREENS: readonly Screen[] = [
  { id: "create", label: "Create", icon: "create" },
  { id: "graph", label: "Graph", icon: "graph" },
  { id: "form", label: "Form", icon: "form" },
  { id: "gallery", label: "Gallery", icon: "gallery" },
  { id: "grid", label: "Grid", icon: "grid" },
  { id: "queue", label: "Queue", icon: "queue" },
  { id: "models", label: "Models", icon: "models" },
];

const read = (): string => {
  const id = location.hash.replace(/^#\/?/, "");
  return SCREENS.some((screen) => screen.id === id) ? id : "create";
};

const subscribe = (listener: () => void): (() => void) => {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
};

export const useScreen = (): string => useSyncExternalStore(subscribe, read);

export function show(screen: string): void {
  location.hash = `/${screen}`;
}
