/** Subgraphs, driven by mouse and keyboard. */
import { readFileSync } from "node:fs";
import { choose, kept, node, nodes, open, socket, wire, workflow } from "./canvas.mjs";
import { assert, counted, equal, history, images, pixels, rendered, until, viewUrl, visit } from "./harness.mjs";

const render = (page) => page.getByRole("button", { name: "Render", exact: true }).click();

async function saved(page, entry) {
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: entry }).click()]);
  return JSON.parse(readFileSync(await file.path(), "utf8"));
}

export default [
  {
    name: "nodes become a subgraph, are edited inside it, and run the same",
    async run({ browser, server }) {
      const before = (await history(server)).length;
      const page = await visit(browser, server, { screen: "graph", width: 1700, height: 950 });
      await open(page, workflow(21));
      await render(page);
      const plain = images((await rendered(server, before + 1)).at(-1))[0];
      await choose(page, "KSampler", "EmptyLatentImage");
      await page.keyboard.press("Control+Shift+E");
      await node(page, "Subgraph").waitFor();
      await counted(nodes(page), 6, "nodes with the subgraph");
      await render(page);
      const through = (await rendered(server, before + 2)).at(-1);
      equal(await pixels(page, viewUrl(server, images(through)[0])), await pixels(page, viewUrl(server, plain)), "pixels through the subgraph");

      // In, and a field out onto the subgraph's own node.
      await node(page, "Subgraph").getByRole("button", { name: "Enter the subgraph" }).click();
      const where = page.getByRole("navigation", { name: "Where in the graph" });
      await where.getByRole("button", { name: "Subgraph", exact: true }).waitFor();
      await counted(page.locator(".boundary"), 2, "boundary nodes");
      await node(page, "KSampler").hover();
      await node(page, "KSampler").getByRole("button", { name: "Show seed on the subgraph's node" }).click();
      await node(page, "KSampler").getByText("set outside").waitFor();
      await wire(page, page.locator('.boundary [data-handleid="new:out"]'), socket(page, "EmptyLatentImage", "in:width"));
      await node(page, "Inputs").getByText("width").waitFor();
      await page.keyboard.press("Escape");
      await where.waitFor({ state: "detached" });
      const seed = node(page, "Subgraph").getByRole("spinbutton", { name: "seed" });
      equal(await seed.inputValue(), "21", "the seed outside");
      equal(await node(page, "Subgraph").getByRole("spinbutton", { name: "width" }).inputValue(), "64", "the width outside");
      await seed.fill("22");
      await seed.press("Enter");
      await render(page);
      const other = (await rendered(server, before + 3)).at(-1);
      equal(Object.values(other.prompt[2]).find((each) => each.class_type === "KSampler").inputs.seed, 22, "the seed that ran");

      // Out again, and all of it back.
      await node(page, "Subgraph").locator("header .node-title").click({ button: "right" });
      await page.getByRole("menuitem", { name: "Open the subgraph up" }).click();
      await counted(nodes(page), 7, "nodes without the subgraph");
      await page.locator(".react-flow__pane").click({ position: { x: 20, y: 600 } });
      for (let i = 0; i < 3; ++i) await page.keyboard.press("Control+z");
      await where.waitFor();
      equal(await node(page, "Inputs").getByText("width").count(), 0, "the input that was taken back, seen inside");
      for (let i = 0; i < 2; ++i) await page.keyboard.press("Control+z");
      await where.waitFor({ state: "detached" });
      await node(page, "KSampler").waitFor();
      await counted(nodes(page), 7, "nodes after undo");
      await counted(page.locator(".react-flow__edge"), 9, "wires after undo");
      equal(page.wrong, [], "errors of the page");
    },
  },
  {
    name: "a subgraph is kept in ComfyUI's file, over a reload, and in the image",
    slow: true,
    async run({ browser, server }) {
      const before = (await history(server)).length;
      const page = await visit(browser, server, { screen: "graph", width: 1700, height: 950 });
      await open(page, workflow(31));
      await choose(page, "CLIPTextEncode", "KSampler");
      await page.getByRole("button", { name: /^Make a subgraph/ }).click();
      await node(page, "Subgraph").locator(".node-title").dblclick();
      await page.getByRole("textbox", { name: "Title" }).fill("<b>Sampling</b>");
      await page.keyboard.press("Enter");
      const file = await saved(page, "Save the graph");
      const [subgraph] = file.definitions.subgraphs;
      equal([subgraph.name, subgraph.inputNode.id, subgraph.outputNode.id, subgraph.nodes.length], ["<b>Sampling</b>", -10, -20, 2], "the definition");
      equal(file.nodes.filter(({ type }) => type === subgraph.id).length, 1, "nodes that stand for it");
      for (const link of subgraph.links) assert(Number.isInteger(link.origin_id) && Number.isInteger(link.target_id), `a link without ends: ${JSON.stringify(link)}`);
      const api = await saved(page, "Save for the API");
      // The server's own reader agrees on what the file means.
      const answer = await fetch(`${server.url}/api/v1/jobs`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ workflow: file }) });
      equal(answer.status, 201, "the server takes the editor's form");
      const { job } = await answer.json();
      const detail = await server.get(`/api/v1/jobs/${job.id}`);
      const inputs = (prompt) => Object.fromEntries(Object.entries(prompt).map(([id, each]) => [id, JSON.stringify(Object.entries(each.inputs).sort())]));
      equal(inputs(detail.workflow), inputs(api), "what the server makes of it");
      await rendered(server, before + 1);

      await page.waitForTimeout(600);
      const once = await kept(page);
      await page.reload();
      await page.getByText("<b>Sampling</b>").waitFor();
      await page.waitForTimeout(600);
      equal(await kept(page), once, "the document after a reload");

      // Two copies share their inside.
      await choose(page, "Subgraph");
      await page.keyboard.press("Control+c");
      await page.mouse.move(500, 800);
      await page.keyboard.press("Control+v");
      await until("the copy", async () => (await page.locator(".node.subgraph").count()) === 2, 5000);
      await node(page, "Subgraph", 1).locator("header .icon-svg").first().dblclick();
      const steps = node(page, "KSampler").getByRole("spinbutton", { name: "steps" });
      await steps.fill("3");
      await steps.press("Enter");
      for (let i = 0; i < 2; ++i) await page.keyboard.press("Escape");
      await page.locator(".boundary").first().waitFor({ state: "detached" });
      const both = Object.values(await saved(page, "Save for the API")).filter((each) => each.class_type === "KSampler");
      equal(both.map((each) => each.inputs.steps), [3, 3], "steps in both copies");
    },
  },
];
