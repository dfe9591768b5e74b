/** Keys of the canvas; they rest while text is being typed or a dialog is open. */
import { isTyping } from "../parts/typing.ts";
import { useKeyDown } from "../parts/use_key_down.ts";

export interface Acts {
  add(): void;
  undo(): void;
  redo(): void;
  copy(): void;
  cut(): void;
  paste(): void;
  selectAll(): void;
  remove(): void;
  mute(): void;
  bypass(): void;
  collapse(): void;
  group(): void;
  subgraph(): void;
  leave(): void;
  arrange(): void;
  fit(): void;
  render(): void;
  help(): void;
  open(): void;
  save(): void;
  saveApi(): void;
  clear(): void;
}

const KEYS: Record<string, keyof Acts> = {
  "ctrl+z": "undo",
  "ctrl+y": "redo",
  "ctrl+shift+z": "redo",
  "ctrl+c": "copy",
  "ctrl+x": "cut",
  "ctrl+v": "paste",
  "ctrl+a": "selectAll",
  "ctrl+m": "mute",
  "ctrl+b": "bypass",
  "ctrl+g": "group",
  "ctrl+shift+e": "subgraph",
  escape: "leave",
  "ctrl+s": "save",
  "ctrl+o": "open",
  "alt+c": "collapse",
  delete: "remove",
  backspace: "remove",
  a: "add",
  l: "arrange",
  f: "fit",
  ".": "fit",
  "shift+?": "help",
  "?": "help",
};

/** These work from inside a field as well. */
const ANYWHERE = new Set(["ctrl+enter"]);

export function useShortcuts(acts: Acts): void {
  useKeyDown((event) => {
    const parts = [event.ctrlKey || event.metaKey ? "ctrl" : "", event.altKey ? "alt" : "", event.shiftKey ? "shift" : "", event.key.toLowerCase()];
    const keys = parts.filter(Boolean).join("+");
    if (document.querySelector("dialog[open]")) return;
    if (ANYWHERE.has(keys)) {
      event.preventDefault();
      (document.activeElement as HTMLElement | null)?.blur();
      acts.render();
      return;
    }
    if (keys === "escape" && isTyping(event.target)) {
      (event.target as HTMLElement).blur();
      return;
    }
    const act = KEYS[keys];
    if (!act || isTyping(event.target)) return;
    event.preventDefault();
    acts[act]();
  });
}
