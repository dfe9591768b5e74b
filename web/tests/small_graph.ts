/** The graph that most tests are about. */
import * as command from "../src/document/commands.ts";
import { EMPTY_DOCUMENT, type GraphDocument, type GraphNode } from "../src/document/model.ts";
import { parseNodeTypes } from "../src/document/parse_node_types.ts";
import objectInfo from "./object_info.json" with { type: "json" };

export const types = parseNodeTypes(objectInfo as never);

export function node(id: string, type: string, values = {}): GraphNode {
  const made = command.newNode(id, types.get(type)!, { x: Number(id) * 300, y: 0 });
  return { ...made, values: { ...made.values, ...values } };
}

/** checkpoint -> prompt -> sampler -> decode -> save */
export function small(): GraphDocument {
  return command.together(
    command.addNode(node("1", "CheckpointLoaderSimple")),
    command.addNode(node("2", "CLIPTextEncode", { text: "a red ball" })),
    command.addNode(node("3", "EmptyLatentImage", { width: 64, height: 64 })),
    command.addNode(node("4", "KSampler", { seed: 7 })),
    command.addNode(node("5", "VAEDecode")),
    command.addNode(node("6", "SaveImage")),
    command.connect({ node: "1", slot: 1 }, "2", "clip"),
    command.connect({ node: "1", slot: 0 }, "4", "model"),
    command.connect({ node: "2", slot: 0 }, "4", "positive"),
    command.connect({ node: "2", slot: 0 }, "4", "negative"),
    command.connect({ node: "3", slot: 0 }, "4", "latent_image"),
    command.connect({ node: "4", slot: 0 }, "5", "samples"),
    command.connect({ node: "1", slot: 2 }, "5", "vae"),
    command.connect({ node: "5", slot: 0 }, "6", "images"),
  )(EMPTY_DOCUMENT);
}
