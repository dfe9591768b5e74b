/** A document being edited: the present one, and the ones before and after it. */
import type { Command } from "./commands.ts";
import type { GraphDocument } from "./model.ts";

const MOST_STEPS = 500;

interface Step {
  readonly document: GraphDocument;
  readonly label: string;
}

export class Editor {
  #present: GraphDocument;
  #past: Step[] = [];
  #future: Step[] = [];
  #joining: string | undefined;
  #listeners = new Set<() => void>();

  constructor(document: GraphDocument) {
    this.#present = document;
  }

  get document(): GraphDocument {
    return this.#present;
  }
  get undoLabel(): string | undefined {
    return this.#past.at(-1)?.label;
  }
  get redoLabel(): string | undefined {
    return this.#future.at(-1)?.label;
  }

  /** Consecutive changes with the same `join` are one step: a slider's way, a word being typed. */
  apply(label: string, command: Command, join?: string): void {
    const next = command(this.#present);
    if (next === this.#present) return;
    if (join === undefined || join !== this.#joining) {
      this.#past.push({ document: this.#present, label });
      if (this.#past.length > MOST_STEPS) this.#past.shift();
    }
    this.#joining = join;
    this.#future = [];
    this.#show(next);
  }

  /** Ends a run of joined changes. */
  settle(): void {
    this.#joining = undefined;
  }

  undo(): void {
    const step = this.#past.pop();
    if (!step) return;
    this.#future.push({ document: this.#present, label: step.label });
    this.#joining = undefined;
    this.#show(step.document);
  }

  redo(): void {
    const step = this.#future.pop();
    if (!step) return;
    this.#past.push({ document: this.#present, label: step.label });
    this.#joining = undefined;
    this.#show(step.document);
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #show(document: GraphDocument): void {
    this.#present = document;
    for (const listener of this.#listeners) listener();
  }
}
