/** The inputs that a graph's form shows, and what they are called. */
import { type GraphDocument, type GraphNode, linksOf, nodesOf } from "../../document/model.ts";
import type { InputSpec, NodeTypes } from "../../document/node_types.ts";
import { readable } from "../parts/readable.ts";

export interface Exposed {
  readonly node: GraphNode;
  readonly spec: InputSpec;
  readonly label: string;
}

const NAMES: Readonly<Record<string, string>> = { ckpt_name: "Model", lora_name: "LoRA", vae_name: "VAE", cfg: "CFG", sampler_name: "Sampler", noise_seed: "Seed" };

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** A text is called by its node's title, or else by what it leads to: the prompt, or the negative one. */
function labelOf(document: GraphDocument, node: GraphNode, spec: InputSpec): string {
  if (spec.name !== "text") return NAMES[spec.name] ?? capital(readable(spec.name));
  if (node.title) return node.title;
  const [leads] = linksOf(document).filter((link) => link.from === node.id);
  if (leads?.input === "positive") return "Prompt";
  return leads?.input === "negative" ? "Negative prompt" : "Text";
}

/** Equal labels are told apart by their nodes' titles. */
export function exposedInputs(document: GraphDocument, types: NodeTypes): Exposed[] {
  const items = nodesOf(document).flatMap((node) => {
    const type = types.get(node.type);
    return (node.exposed ?? []).flatMap((name) => {
      const spec = type?.inputs.find((input) => input.name === name);
      return spec ? [{ node, spec, label: labelOf(document, node, spec) }] : [];
    });
  });
  const count = (label: string): number => items.filter((item) => item.label === label).length;
  return items.map((item) => {
    const title = item.node.title ?? types.get(item.node.type)?.label ?? item.node.type;
    return count(item.label) > 1 && title !== item.label ? { ...item, label: `${item.label} · ${title}` } : item;
  });
}

/** What most graphs are steered by: words, seeds, and how they are sampled. */
export function usualInputs(nodes: readonly GraphNode[], types: NodeTypes, linked: ReadonlySet<string>): [string, string][] {
  const usual = new Set(["text", "seed", "noise_seed", "steps", "cfg", "width", "height", "image", "denoise", "ckpt_name"]);
  return nodes.flatMap((node) =>
    (types.get(node.type)?.inputs ?? [])
      .filter((spec) => spec.widget && usual.has(spec.name) && !linked.has(`${node.id}.${spec.name}`))
      .map((spec): [string, string] => [node.id, spec.name]),
  );
}
