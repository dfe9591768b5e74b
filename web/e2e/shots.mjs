/** node e2e/shots.mjs [NAME…]: the screens that docs/page.md shows, as docs/images/page-NAME.webp; all, or those that are named. */
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { choose, node, nodes } from "./canvas.mjs";
import { launch, rendered, Server, until, visit } from "./harness.mjs";
import { lora } from "./lora.mjs";

const IMAGES = path.resolve(import.meta.dirname, "../../docs/images");
const wanted = process.argv.slice(2);
const browser = await launch();
const server = await new Server().start();

const PROMPTS = [
  "product photo of a glossy red bottle on marble, studio light",
  "a photo of a matte teal vase next to a silver ring on velvet, night",
  "advertising shot of a metallic gold ring on velvet, night",
  "a photo of a yellow mug on wood, golden hour",
  "product photo of a glossy blue ball on sand, golden hour",
  "a photo of a green cone beside a pink box on concrete, overcast",
  "product photo of a white jar on marble, centered, studio light",
  "a photo of a purple pyramid on grass, golden hour",
  "advertising shot of a matte black can on concrete, studio light",
  "a photo of an orange ball and a blue box on wood, overcast",
];

/** The screen `name` at its address, as a file. WebP is made by the browser: it is there anyway. */
async function shot(page, name) {
  await page.mouse.move(1, 1);
  await page.waitForTimeout(500);
  const png = await page.screenshot();
  const bytes = await page.evaluate(async (data) => {
    const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))]));
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    const blob = await canvas.convertToBlob({ type: "image/webp", quality: 0.7 });
    return [...new Uint8Array(await blob.arrayBuffer())];
  }, png.toString("base64"));
  writeFileSync(path.join(IMAGES, `page-${name}.webp`), new Uint8Array(bytes));
}

const post = (route, body) => fetch(server.url + route, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
const go = (page, screen) => page.evaluate((id) => (location.hash = `/${id}`), screen);
const button = (page, name) => page.getByRole("button", { name, exact: true }).first();

/** The form's graph on the canvas, once all of it is drawn. */
async function showGraph(page) {
  await go(page, "create");
  await button(page, "Show as graph").click();
  await nodes(page).nth(6).waitFor();
  await page.waitForTimeout(800);
}

const SCREENS = {
  async first(page) {
    await page.getByText("Welcome to Obscura").waitFor();
  },
  async create(page) {
    await until("a finished image", () => page.locator("img.stage-image").isVisible());
  },
  async graph(page) {
    await showGraph(page);
    await button(page, "Render").click();
    await page.locator(".node-images img").first().waitFor({ timeout: 60_000 });
  },
  async error(page) {
    await showGraph(page);
    await page.locator(".react-flow__pane").click({ position: { x: 20, y: 600 } });
    await node(page, "EmptyLatentImage").locator("header").click();
    await page.keyboard.press("Delete");
    await button(page, "Render").click();
    await node(page, "KSampler").getByRole("alert").waitFor();
  },
  async search(page) {
    await showGraph(page);
    await page.locator(".react-flow__pane").click({ position: { x: 20, y: 600 } });
    await page.keyboard.press("a");
    await page.getByRole("combobox", { name: "Search nodes" }).fill("latent");
  },
  async subgraph(page) {
    await showGraph(page);
    await choose(page, "KSampler", "VAEDecode");
    await page.keyboard.press("Control+Shift+E");
    await button(page, "Enter the subgraph").click();
    await page.locator(".boundary").first().waitFor();
    await page.waitForTimeout(800);
    await page.keyboard.press("f");
  },
  async form(page) {
    await showGraph(page);
    await go(page, "form");
    await button(page, "Take the usual inputs").click();
  },
  async brush(page) {
    await go(page, "gallery");
    await page.locator(".tile-image").nth(4).click();
    await button(page, "Inpaint").click();
    const canvas = page.getByLabel("Mask: paint what is to change");
    await canvas.waitFor();
    const { x, y, width, height } = await canvas.boundingBox();
    await page.mouse.move(x + width * 0.4, y + height * 0.35);
    await page.mouse.down();
    for (const [toX, toY] of [[0.6, 0.4], [0.42, 0.5], [0.62, 0.56], [0.45, 0.64]]) await page.mouse.move(x + width * toX, y + height * toY, { steps: 6 });
    await page.mouse.up();
  },
  async gallery(page) {
    await go(page, "gallery");
    await page.getByRole("button", { name: "5 stars" }).first().click();
    await page.getByRole("button", { name: "4 stars" }).nth(2).click();
  },
  async viewer(page) {
    await go(page, "gallery");
    await page.locator(".tile-image").first().click();
    await page.getByText(/^recipe/).waitFor();
  },
  async compare(page) {
    await go(page, "gallery");
    for (const at of [0, 1]) await page.locator(".tile-check").nth(at).check({ force: true });
    await button(page, "Compare").click();
    await button(page, "Slider").click();
  },
  async grid(page) {
    await go(page, "grid");
    await button(page, "Render the grid").click();
    await page.getByText("9 of 9 rendered").waitFor({ timeout: 120_000 });
  },
  async queue(page) {
    await go(page, "queue");
    await post("/api/v1/queue/pause", {});
    for (const prompt of PROMPTS.slice(0, 4)) await queueUp(prompt, 60);
    await page.getByText("4 waiting").waitFor();
    await post("/api/v1/queue/resume", {});
    await page.getByRole("img", { name: "Preview" }).waitFor();
  },
  async models(page) {
    await go(page, "models");
    await page.getByRole("button", { name: /^LoRAs/ }).click();
    await page.getByText("soft shadows").first().waitFor();
  },
};

/** What is shown in another theme or size: the screen, and how. */
const VARIANTS = {
  "create-light": ["create", { theme: "light" }],
  "graph-light": ["graph", { theme: "light" }],
  "gallery-4k": ["gallery", { width: 3840, height: 2160 }],
};

function queueUp(text, steps = 20, seed = 7) {
  const prompt = {
    1: { class_type: "CheckpointLoaderSimple", inputs: { ckpt_name: "pocket-xl-base.safetensors" } },
    2: { class_type: "CLIPTextEncode", inputs: { clip: ["1", 1], text } },
    3: { class_type: "CLIPTextEncode", inputs: { clip: ["1", 1], text: "" } },
    4: { class_type: "EmptyLatentImage", inputs: { width: 256, height: 256, batch_size: 1 } },
    5: { class_type: "KSampler", inputs: { model: ["1", 0], seed, steps, cfg: 4, sampler_name: "dpmpp_2m", scheduler: "karras", positive: ["2", 0], negative: ["3", 0], latent_image: ["4", 0], denoise: 1 } },
    6: { class_type: "VAEDecode", inputs: { samples: ["5", 0], vae: ["1", 2] } },
    7: { class_type: "SaveImage", inputs: { images: ["6", 0], filename_prefix: "obscura" } },
  };
  return post("/prompt", { prompt });
}

/** A LoRA with all that may lie beside one. */
function writeLora() {
  const folder = path.join(server.data, "models", "loras");
  mkdirSync(folder, { recursive: true });
  const metadata = { "modelspec.title": "Warm light", "modelspec.author": "An owner of light", "modelspec.license": "CC-BY-4.0", "modelspec.architecture": "stable-diffusion-xl-v1-base/lora", "modelspec.resolution": "1024x1024" };
  writeFileSync(path.join(folder, "warm_light.safetensors"), lora(metadata));
  copyFileSync(new URL("../../workflows/input/bottle.png", import.meta.url), path.join(folder, "warm_light.png"));
  writeFileSync(path.join(folder, "warm_light.json"), JSON.stringify({ "activation text": "warm light, soft shadows", description: "Best at a strength of 0.8." }));
}

async function take(name) {
  const [screen, look] = VARIANTS[name] ?? [name, {}];
  const page = await visit(browser, server, look);
  if (screen !== "first") await page.getByLabel("Prompt", { exact: true }).fill(PROMPTS[0]);
  await SCREENS[screen](page);
  await shot(page, name);
  await page.context().close();
  console.log(name);
}

writeLora();
/** The first minutes are over with the first image; the queue, last, is left with jobs that nobody waits for. */
const order = [...Object.keys(SCREENS).filter((name) => name !== "queue"), ...Object.keys(VARIANTS), "queue"];
const all = order.filter((name) => wanted.length === 0 || wanted.includes(name));
if (all.includes("first")) await take("first");
for (const [at, prompt] of PROMPTS.entries()) await queueUp(prompt, 20, 7 + at);
await rendered(server, PROMPTS.length, 600_000);
for (const name of all) if (name !== "first") await take(name);
await server.end();
await browser.close();
