/** The graph's canvas, as a hand uses it. */
import { dropFile } from "./harness.mjs";

/** In the API form: a small image in a second or two. */
export const workflow = (seed = 11, steps = 4) => ({
  1: { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "pocket-xl-base.safetensors" } },
  2: { class_type: "CLIPTextEncode", inputs: { clip: ["1", 1], text: "a photo of a red ball on sand, night" } },
  3: { class_type: "CLIPTextEncode", inputs: { clip: ["1", 1], text: "" } },
  4: { class_type: "EmptyLatentImage", inputs: { width: 64, height: 64, batch_size: 1 } },
  5: {
    class_type: "KSampler",
    inputs: { model: ["1", 0], seed, steps, cfg: 4, sampler_name: "euler_ancestral", scheduler: "normal", positive: ["2", 0], negative: ["3", 0], latent_image: ["4", 0], denoise: 1 },
  },
  6: { class_type: "VAEDecode", inputs: { samples: ["5", 0], vae: ["1", 2] } },
  7: { class_type: "SaveImage", inputs: { images: ["6", 0], filename_prefix: "e2e" } },
});

export const asBytes = (value) => new TextEncoder().encode(JSON.stringify(value));
export const nodes = (page) => page.locator(".react-flow__node-card");
export const node = (page, type, at = 0) => page.locator(`.node[data-type="${type}"]`).nth(at);
export const socket = (page, type, handle, at = 0) => node(page, type, at).locator(`.react-flow__handle[data-handleid="${handle}"]`);
export const kept = (page) => page.evaluate(() => JSON.parse(localStorage.getItem("obscura.graph.document")).workflow);

export async function add(page, search, x, y) {
  await page.locator(".react-flow__pane").waitFor();
  const all = page.locator(".react-flow__node");
  const before = await all.count();
  await page.mouse.dblclick(x, y);
  await page.getByRole("combobox", { name: "Search nodes" }).fill(search);
  await page.keyboard.press("Enter");
  await all.nth(before).waitFor({ state: "attached" });
}

export async function centre(locator) {
  const box = await locator.boundingBox();
  return [box.x + box.width / 2, box.y + box.height / 2];
}

export async function wire(page, from, to) {
  await page.mouse.move(...(await centre(from)));
  await page.mouse.down();
  const [x, y] = await centre(to);
  await page.mouse.move(x - 30, y - 10, { steps: 4 });
  await page.mouse.move(x, y, { steps: 4 });
  await page.mouse.up();
}

export async function open(page, value, name = "a.json") {
  await dropFile(page, name, "application/json", asBytes(value));
  await nodes(page).first().waitFor();
}

/** Selects the first node of each of these types, and no other. */
export async function choose(page, ...types) {
  await page.locator(".react-flow__pane").click({ position: { x: 20, y: 600 } });
  for (const type of types) await node(page, type).locator("header").click({ modifiers: ["Control"] });
}
