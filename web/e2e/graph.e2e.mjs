/** The graph, driven by mouse and keyboard. */
import { readFileSync } from "node:fs";
import { add, centre, kept, node, nodes, open, socket, wire, workflow } from "./canvas.mjs";
import { assert, counted, dropFile, equal, history, images, pixels, rendered, until, viewUrl, visit } from "./harness.mjs";

/** Objects with their keys in order. */
const sorted = (value) =>
  Array.isArray(value) || typeof value !== "object" || value === null
    ? value
    : Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));

const undone = (page) => page.getByRole("button", { name: /^Undo/ });

export default [
  {
    name: "a graph built from nothing with the mouse renders an image",
    async run({ browser, server }) {
      const before = (await history(server)).length;
      const page = await visit(browser, server, { screen: "graph", width: 1900, height: 1000 });
      await page.getByText("An empty graph").waitFor();
      await add(page, "load checkpoint", 200, 450);
      await add(page, "clip text encode", 560, 200);
      await add(page, "empty latent", 560, 640);
      await add(page, "ksampler", 980, 240);
      await add(page, "vae decode", 1330, 300);
      await add(page, "save image", 1560, 560);
      await counted(nodes(page), 6, "nodes on the canvas");
      await wire(page, socket(page, "CheckpointLoaderSimple", "out:1"), socket(page, "CLIPTextEncode", "in:clip"));
      await wire(page, socket(page, "CheckpointLoaderSimple", "out:0"), socket(page, "KSampler", "in:model"));
      await wire(page, socket(page, "CLIPTextEncode", "out:0"), socket(page, "KSampler", "in:positive"));
      await wire(page, socket(page, "CLIPTextEncode", "out:0"), socket(page, "KSampler", "in:negative"));
      await wire(page, socket(page, "EmptyLatentImage", "out:0"), socket(page, "KSampler", "in:latent_image"));
      await wire(page, socket(page, "KSampler", "out:0"), socket(page, "VAEDecode", "in:samples"));
      await wire(page, socket(page, "CheckpointLoaderSimple", "out:2"), socket(page, "VAEDecode", "in:vae"));
      await wire(page, socket(page, "VAEDecode", "out:0"), socket(page, "SaveImage", "in:images"));
      await counted(page.locator(".react-flow__edge"), 8, "wires");
      await node(page, "CLIPTextEncode").getByRole("textbox").fill("a photo of a blue ball on sand, night");
      for (const side of ["width", "height"]) {
        const field = node(page, "EmptyLatentImage").getByRole("spinbutton", { name: side });
        await field.fill("64");
        await field.press("Enter");
      }
      const steps = node(page, "KSampler").getByRole("spinbutton", { name: "steps" });
      await steps.fill("4");
      await steps.press("Enter");
      await page.getByRole("button", { name: "Render", exact: true }).click();
      const [job] = (await rendered(server, before + 1)).slice(-1);
      equal(job.status.status_str, "success", "the job");
      const shown = node(page, "SaveImage").locator("img.node-image");
      await shown.waitFor();
      const size = await until("the image on the node", () => shown.evaluate((image) => image.naturalWidth));
      equal(size, 64, "width of the image on the node");
      equal(page.wrong, [], "errors of the page");
    },
  },
  {
    name: "wires that do not fit are refused, and say why",
    slow: true,
    async run({ browser, server }) {
      const page = await visit(browser, server, { screen: "graph", width: 1900, height: 1000 });
      await add(page, "load checkpoint", 300, 300);
      await add(page, "vae decode", 800, 300);
      await wire(page, socket(page, "CheckpointLoaderSimple", "out:0"), socket(page, "VAEDecode", "in:vae"));
      await page.getByText("vae takes VAE, not MODEL").waitFor();
      await counted(page.locator(".react-flow__edge"), 0, "wires");
    },
  },
  {
    name: "undo after twenty edits brings back the same document",
    slow: true,
    async run({ browser, server }) {
      const page = await visit(browser, server, { screen: "graph", width: 1600, height: 900 });
      await open(page, workflow());
      await page.waitForTimeout(700);
      const first = await kept(page);
      const steps = node(page, "KSampler").getByRole("spinbutton", { name: "steps" });
      for (let i = 0; i < 5; ++i) {
        await steps.fill(String(20 + i));
        await steps.press("Enter");
        await page.locator(".react-flow__pane").click({ position: { x: 20, y: 700 } });
        const header = node(page, "SaveImage").locator("header");
        const [x, y] = await centre(header);
        await page.mouse.move(x, y);
        await page.mouse.down();
        await page.mouse.move(x + 20, y + 30, { steps: 3 });
        await page.mouse.up();
        await page.keyboard.press("Control+b");
        await page.keyboard.press("Control+g");
      }
      await page.waitForTimeout(600);
      assert((await kept(page)) !== first, "twenty edits changed nothing");
      await counted(page.locator(".group"), 5, "groups");
      await page.locator(".react-flow__pane").click({ position: { x: 20, y: 700 } });
      for (let i = 0; i < 20; ++i) await page.keyboard.press("Control+z");
      await page.waitForTimeout(700);
      equal(await kept(page), first, "the document after twenty undos");
      for (let i = 0; i < 20; ++i) await page.keyboard.press("Control+y");
      await counted(page.locator(".group"), 5, "groups after twenty redos");
      await undone(page).waitFor();
    },
  },
  {
    name: "an image dropped on the page restores its graph and gives the same bits",
    async run({ browser, server }) {
      const before = (await history(server)).length;
      const page = await visit(browser, server, { screen: "create" });
      await open(page, workflow(4242, 5));
      await page.getByRole("button", { name: "Render", exact: true }).click();
      const [job] = (await rendered(server, before + 1)).slice(-1);
      const [image] = images(job);
      const file = new Uint8Array(await (await fetch(viewUrl(server, image))).arrayBuffer());
      const other = await visit(browser, server, { screen: "gallery" });
      await dropFile(other, "found.png", "image/png", file);
      await nodes(other).first().waitFor();
      await counted(nodes(other), 7, "nodes of the restored graph");
      equal(await node(other, "KSampler").getByRole("spinbutton", { name: "seed" }).inputValue(), "4242", "seed");
      await other.getByRole("button", { name: "Render", exact: true }).click();
      const [again] = (await rendered(server, before + 2)).slice(-1);
      equal(await pixels(other, viewUrl(server, images(again)[0])), await pixels(other, viewUrl(server, image)), "pixels");
    },
  },
  {
    name: "what is wrong with a node is said on the node",
    slow: true,
    async run({ browser, server }) {
      const page = await visit(browser, server, { screen: "graph", width: 1600, height: 900 });
      const broken = workflow();
      delete broken[5].inputs.latent_image;
      await open(page, broken);
      await page.getByRole("button", { name: "Render", exact: true }).click();
      const error = node(page, "KSampler").getByRole("alert");
      await error.waitFor();
      assert(/latent_image/.test(await error.innerText()), "the error names the input");
    },
  },
  {
    name: "markup in prompts, titles and names is shown as text",
    async run({ browser, server }) {
      const before = (await history(server)).length;
      const page = await visit(browser, server, { screen: "graph", width: 1600, height: 900 });
      const evil = `<img src=x onerror="window.hacked=1"><b>bold</b>`;
      const hostile = workflow(3, 1);
      hostile[2].inputs.text = evil;
      hostile[5]._meta = { title: evil };
      await open(page, hostile, "<b>name</b>.json");
      await page.getByRole("button", { name: "Render", exact: true }).click();
      await rendered(server, before + 1);
      for (const screen of ["graph", "gallery", "queue", "grid", "create", "form"]) {
        await page.evaluate((id) => (location.hash = `/${id}`), screen);
        await page.waitForTimeout(400);
        equal(await page.evaluate(() => [window.hacked ?? 0, document.querySelectorAll("main b, main img[src='x']").length]), [0, 0], `markup on ${screen}`);
      }
      await page.evaluate(() => (location.hash = "/gallery"));
      await page.getByText(evil).first().waitFor();
      await page.locator(".tile-image").first().click();
      await page.locator("dialog.viewer").getByText(evil).first().waitFor();
      await page.keyboard.press("Escape");
      await dropFile(page, "<b>no graph</b>.json", "application/json", new TextEncoder().encode("[1]"));
      await page.getByText("<b>no graph</b>.json is JSON, but not a workflow").waitFor();
      equal(await page.evaluate(() => [window.hacked ?? 0, document.querySelectorAll(".toasts b, dialog b").length]), [0, 0], "markup in messages and dialogs");
    },
  },
  {
    name: "groups carry their nodes, and copies keep their wires",
    slow: true,
    async run({ browser, server }) {
      const page = await visit(browser, server, { screen: "graph", width: 1600, height: 900 });
      await open(page, workflow());
      // Keys come faster here than from anybody's fingers: the selection is to be seen first.
      const selectAll = async () => {
        await page.keyboard.press("Control+a");
        await until("the selection", async () => (await page.locator(".react-flow__node.selected").count()) >= 7, 5000);
      };
      await page.locator(".react-flow__pane").click({ position: { x: 20, y: 700 } });
      await selectAll();
      await page.keyboard.press("Control+g");
      await page.locator(".react-flow__pane").click({ position: { x: 20, y: 800 } });
      const place = async () => JSON.parse(await kept(page)).nodes.find(({ id }) => id === 7).pos;
      await page.waitForTimeout(600);
      const [x0, y0] = await place();
      const [x, y] = await centre(page.locator(".group"));
      const top = (await page.locator(".group").boundingBox()).y;
      await page.mouse.move(x, top + 3);
      await page.mouse.down();
      await page.mouse.move(x + 60, top + 43, { steps: 4 });
      await page.mouse.up();
      await page.waitForTimeout(600);
      const [x1, y1] = await place();
      assert(x1 > x0 && y1 > y0, `the group left its nodes behind: ${[x0, y0, x1, y1, y]}`);
      await page.locator(".react-flow__pane").click({ position: { x: 20, y: 800 } });
      await selectAll();
      await page.keyboard.press("Control+c");
      await page.mouse.move(300, 700);
      await page.keyboard.press("Control+v");
      await until("the copies", async () => (await nodes(page).count()) === 14, 5000);
      await counted(page.locator(".react-flow__edge"), 18, "wires");
    },
  },
  {
    name: "arrow keys move what is selected, as one step of undo",
    slow: true,
    async run({ browser, server }) {
      const page = await visit(browser, server, { screen: "graph", width: 1600, height: 900 });
      await open(page, workflow());
      const place = async () => {
        await page.waitForTimeout(600);
        return JSON.parse(await kept(page)).nodes.find(({ id }) => id === 7).pos;
      };
      const before = await place();
      await node(page, "SaveImage").locator("header").click();
      for (let i = 0; i < 4; ++i) await page.keyboard.press("ArrowRight");
      const after = await place();
      assert(after[0] > before[0] && after[1] === before[1], `the node went from ${before} to ${after}`);
      await page.keyboard.press("Control+z");
      equal(await place(), before, "place after undo");
    },
  },
  {
    name: "a graph is saved and opened in ComfyUI's two forms",
    slow: true,
    async run({ browser, server }) {
      const page = await visit(browser, server, { screen: "graph", width: 1600, height: 900 });
      await open(page, workflow(77));
      const save = async (entry) => {
        await page.getByRole("button", { name: "Save", exact: true }).click();
        const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: entry }).click()]);
        return JSON.parse(readFileSync(await file.path(), "utf8"));
      };
      const editor = await save("Save the graph");
      const api = await save("Save for the API");
      equal(sorted(api), sorted(workflow(77)), "the API form");
      equal([editor.version, editor.nodes.length, editor.links.length], [0.4, 7, 9], "the editor form");
      await open(page, editor, "again.json");
      equal(await save("Save for the API"), api, "the API form after the editor form");
    },
  },
];
