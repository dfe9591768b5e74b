/** Looking at what comes out of any node: a preview is put behind it, and only that is run. */
import { addNode, type Command, connect, newNode, together } from "../../document/commands.ts";
import { freshNodeId, type GraphDocument, linksOf } from "../../document/model.ts";
import { type NodeTypes, typesMatch } from "../../document/node_types.ts";
import { type Output, sourceOf, typeOfOutput } from "../../document/wiring.ts";
import { edit, fullId, present } from "../../workspace/graph.ts";
import { renderGraph } from "../../workspace/render_graph.ts";

/** Node types that turn what is carried into an image, first to last. */
const WAYS: Record<string, readonly string[]> = { IMAGE: [], MASK: ["MaskToImage"], LATENT: ["VAEDecode"] };

export function canPreview(type: string, types: NodeTypes): boolean {
  return (WAYS[type] ?? ["?"]).every((way) => types.has(way)) && types.has("PreviewImage");
}

/** The VAE nearest by: of the loader that the graph uses already. */
function findVae(types: NodeTypes): Output | undefined {
  const document = present();
  for (const node of Object.values(document.nodes)) {
    const slot = types.get(node.type)?.outputs.findIndex((output) => output.type === "VAE") ?? -1;
    if (slot >= 0 && node.mode === "active") return { node: node.id, slot };
  }
  return undefined;
}

export async function previewOutput(output: Output, types: NodeTypes): Promise<void> {
  const document = present();
  const type = typeOfOutput(document, types, output);
  if (!canPreview(type, types)) return;
  const existing = linksOf(document).find(
    (link) => link.from === output.node && link.output === output.slot && document.nodes[link.to]?.type === "PreviewImage",
  );
  if (existing) return renderGraph([fullId(existing.to)]);
  const origin = document.nodes[sourceOf(document, output)?.node ?? output.node];
  if (!origin) return;
  const steps: Command[] = [];
  let grown: GraphDocument = document;
  let at = output;
  let x = origin.at.x + 300;
  for (const way of [...(WAYS[type] ?? []), "PreviewImage"]) {
    const wayType = types.get(way)!;
    const id = freshNodeId(grown);
    const add = addNode(newNode(id, wayType, { x, y: origin.at.y + 40 }));
    grown = add(grown);
    steps.push(add);
    const carried = at === output ? type : "IMAGE";
    const input = wayType.inputs.find((spec) => typesMatch(carried, spec.type) && !spec.widget);
    if (input) steps.push(connect(at, id, input.name));
    const vae = findVae(types);
    if (vae && wayType.inputs.some((spec) => spec.name === "vae")) steps.push(connect(vae, id, "vae"));
    at = { node: id, slot: 0 };
    x += 300;
  }
  edit("Preview an output", together(...steps));
  await renderGraph([fullId(at.node)]);
}
