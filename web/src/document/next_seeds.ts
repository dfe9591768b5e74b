/** What becomes of seeds after a job: fixed, increment, decrement or randomize. */
import { type Command, setValue, together } from "./commands.ts";
import { type GraphDocument, nodesOf, type SeedControl } from "./model.ts";
import type { NodeTypes } from "./node_types.ts";
import { onAllPlanes } from "./planes.ts";
import { randomSeed } from "./seeds.ts";
import { withSubgraphs } from "./subgraph_types.ts";

function nextSeed(seed: number | bigint, control: SeedControl, max: number): number | bigint {
  if (control === "randomize") return randomSeed(max);
  const step = control === "increment" ? 1 : -1;
  if (typeof seed === "bigint") return seed + BigInt(step);
  return Math.min(max, Math.max(0, seed + step));
}

/** The seeds for the next render; as in ComfyUI they change after a job was taken. */
export const advanceSeeds = (types: NodeTypes): Command => onAllPlanes((plane) => seedsOf(plane, withSubgraphs(plane.subgraphs, types))(plane));

function seedsOf(document: GraphDocument, types: NodeTypes): Command {
  const commands: Command[] = [];
  for (const node of nodesOf(document)) {
    const control = node.seedControl ?? "fixed";
    const input = types.get(node.type)?.inputs.find((spec) => spec.isSeed);
    const seed = input && node.values[input.name];
    if (!input || control === "fixed" || (typeof seed !== "number" && typeof seed !== "bigint")) continue;
    commands.push(setValue(node.id, input.name, nextSeed(seed, control, input.max ?? 2 ** 48)));
  }
  return together(...commands);
}
