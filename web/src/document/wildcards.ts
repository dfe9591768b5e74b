/**
 * Choices in prompts: `a {red|green|blue} ball`, as ComfyUI's editor has them, also one inside another; `\{` is a brace.
 * Which is taken follows the graph's seed, so that the same graph gives the same image.
 */
import { type Prompt, toPrompt } from "./api_form.ts";
import type { GraphDocument } from "./model.ts";
import type { NodeTypes } from "./node_types.ts";

const INNERMOST = /(?<!\\)\{([^{}]*)(?<!\\)\}/;

/** `random` gives numbers from 0 to below 1. */
export function chooseWords(text: string, random: () => number): string {
  let chosen = text;
  for (let found = INNERMOST.exec(chosen); found; found = INNERMOST.exec(chosen)) {
    const words = found[1]!.split("|");
    const word = words[Math.floor(random() * words.length)]!;
    chosen = chosen.slice(0, found.index) + word + chosen.slice(found.index + found[0].length);
  }
  return chosen.replace(/\\([{}])/g, "$1");
}

/** FNV-1a (Fowler, Noll & Vo) of a text. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const letter of text) hash = Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193);
  return hash >>> 0;
}

/** xorshift32 (Marsaglia, 2003), stirred before the first number. */
function randomFrom(start: number): () => number {
  let state = start || 1;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 8; ++i) next();
  return next;
}

/** What a document comes to when it is rendered: every choice made, in the texts of more than one line. */
export function promptToRun(document: GraphDocument, types: NodeTypes): Prompt {
  const prompt = toPrompt(document, types);
  const seeds = Object.values(prompt).flatMap(({ inputs }) => inputs.seed ?? inputs.noise_seed ?? []);
  const chosen: Prompt = {};
  for (const [id, node] of Object.entries(prompt)) {
    const inputs = { ...node.inputs };
    for (const { name, multiline } of types.get(node.class_type)?.inputs ?? []) {
      const text = inputs[name];
      if (multiline && typeof text === "string") inputs[name] = chooseWords(text, randomFrom(hashOf(`${String(seeds[0])} ${id}`)));
    }
    chosen[id] = { ...node, inputs };
  }
  return chosen;
}
