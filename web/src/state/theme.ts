/** Dark or light: what was chosen here, else what the system prefers. */
import { remember, remembered } from "./remembered.ts";
import { createStore } from "./store.ts";

export type Theme = "dark" | "light";

const system = matchMedia("(prefers-color-scheme: light)");
const preferred = (): Theme => remembered<Theme | null>("theme", null) ?? (system.matches ? "light" : "dark");

export const theme = createStore<{ readonly name: Theme }>({ name: preferred() });

function apply(): void {
  document.documentElement.dataset.theme = theme.get().name;
}

export function startTheme(): void {
  theme.subscribe(apply);
  system.addEventListener("change", () => theme.set({ name: preferred() }));
  apply();
}

export function toggleTheme(): void {
  const name = theme.get().name === "dark" ? "light" : "dark";
  remember("theme", name);
  theme.set({ name });
}
