/** The quick form, and all that comes back after something went away. */
import { assert, counted, equal, history, images, pixels, rendered, until, viewUrl, visit } from "./harness.mjs";

const render = (page) => page.getByRole("button", { name: "Render", exact: true }).click();

async function setNumber(page, label, value) {
  const field = page.getByRole("spinbutton", { name: label });
  await field.fill(String(value));
  await field.press("Enter");
}

/** Small and short, so that a test takes a second. */
async function small(page, steps = 4) {
  await setNumber(page, "Width", 64);
  await setNumber(page, "Height", 64);
  await setNumber(page, "Steps, exactly", steps);
}

export default [
  {
    name: "the first minutes lead to an image, and the quick form renders what it says",
    fresh: true,
    async run({ browser, server }) {
      const page = await visit(browser, server);
      await page.getByText("Welcome to Obscura").waitFor();
      await small(page);
      await page.getByRole("button", { name: "Render the example" }).click();
      const [job] = await rendered(server, 1);
      equal(job.status.status_str, "success", "the job");
      const image = page.getByRole("region", { name: "Images" }).locator("img.stage-image");
      await until("the image", () => image.evaluate((image) => image.complete && image.naturalWidth === 64));
      equal(job.prompt[2][2].inputs.text, "product photo of a glossy red bottle on marble, studio light", "prompt");
      await page.getByLabel("Prompt", { exact: true }).fill("a photo of a blue ball on sand, night");
      await setNumber(page, "CFG, exactly", 3.5);
      await page.getByRole("combobox", { name: "Sampler" }).selectOption("euler");
      await setNumber(page, "Seed", "18446744073709551615");
      await render(page);
      const [, second] = await rendered(server, 2);
      const inputs = Object.values(second.prompt[2]).find((node) => node.class_type === "KSampler").inputs;
      equal([inputs.cfg, inputs.steps, inputs.sampler_name], [3.5, 4, "euler"], "what was sent");
      const raw = await (await fetch(`${server.url}/history`)).text();
      assert(raw.includes('18446744073709551615'), "the seed lost digits");
    },
  },
  {
    name: "the form opens as the graph that it stands for",
    slow: true,
    async run({ browser, server }) {
      const page = await visit(browser, server);
      await page.getByText("Hires fix").click();
      await page.getByText("Render a small image first").click();
      await page.getByRole("button", { name: "Show as graph" }).click();
      await page.locator('.node[data-type="LatentUpscaleBy"]').waitFor();
      await counted(page.locator('.node[data-type="KSampler"]'), 2, "samplers");
    },
  },
  {
    name: "inpainting with the brush changes only what was painted",
    async run({ browser, server }) {
      const before = (await history(server)).length;
      const page = await visit(browser, server, { width: 1400, height: 900 });
      await setNumber(page, "Width", 128);
      await setNumber(page, "Height", 128);
      await setNumber(page, "Steps, exactly", 6);
      // The same two images in each run of the test: some seeds' come out alike.
      await setNumber(page, "Seed", "5");
      await page.getByRole("button", { name: "Fixed seed" }).click();
      await render(page);
      const original = images((await rendered(server, before + 1)).at(-1))[0];
      await page.getByRole("button", { name: "Inpaint" }).click();
      const canvas = page.getByLabel("Mask: paint what is to change");
      await canvas.waitFor();
      await page.getByLabel("Prompt", { exact: true }).fill("product photo of a metallic gold ball on velvet, night");
      const area = await canvas.boundingBox();
      const at = (x, y) => [area.x + area.width * x, area.y + area.height * y];
      await page.mouse.move(...at(0.5, 0.4));
      await page.mouse.down();
      for (const [x, y] of [[0.8, 0.4], [0.8, 0.5], [0.5, 0.5], [0.5, 0.6], [0.8, 0.6], [0.8, 0.7], [0.5, 0.7], [0.5, 0.8], [0.8, 0.8]]) {
        await page.mouse.move(...at(x, y), { steps: 4 });
      }
      await page.mouse.up();
      await render(page);
      const changed = images((await rendered(server, before + 2)).at(-1))[0];
      const [a, b] = [await pixels(page, viewUrl(server, original)), await pixels(page, viewUrl(server, changed))];
      equal([b.width, b.height], [128, 128], "size");
      const mean = (x0, y0, x1, y1) => {
        let sum = 0;
        for (let y = y0; y < y1; ++y) for (let x = x0; x < x1; ++x) for (let c = 0; c < 3; ++c) sum += Math.abs(a.data[(y * 128 + x) * 4 + c] - b.data[(y * 128 + x) * 4 + c]);
        return sum / ((x1 - x0) * (y1 - y0) * 3);
      };
      const [inside, outside] = [mean(64, 52, 102, 102), mean(0, 0, 40, 128)];
      assert(inside > 12, `the masked part hardly changed: ${inside}, the rest by ${outside}`);
      equal(outside, 0, "change of what was not masked");
    },
  },
  {
    name: "a reload in mid-job shows the running job, and two tabs see the same",
    async run({ browser, server }) {
      const before = (await history(server)).length;
      const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
      const page = await visit(browser, server, { context });
      const other = await visit(browser, server, { context, screen: "queue" });
      await small(page, 2);
      await render(page);
      await rendered(server, before + 1);
      await setNumber(page, "Width", 256);
      await setNumber(page, "Height", 256);
      await setNumber(page, "Steps, exactly", 60);
      await render(page);
      await other.getByRole("article", { name: "Running" }).waitFor();
      // A busy machine tells of the job before it tells of what was made earlier: nothing moves when that comes.
      let sendHistory;
      const asked = new Promise((resolve) => (sendHistory = resolve));
      await page.route("**/history*", async (route) => {
        await asked;
        await route.continue();
      });
      await page.reload();
      await page.getByText(/Step \d+ of 60/).waitFor();
      const place = () => page.getByRole("button", { name: "Interrupt" }).boundingBox();
      const first = await place();
      sendHistory();
      await page.getByRole("listbox", { name: "Recent images" }).getByRole("option").first().waitFor();
      await page.getByRole("img", { name: "Preview" }).waitFor();
      equal(await place(), first, "the place of the button");
      await other.getByText(/\d+ of 60/).waitFor();
      await page.getByRole("button", { name: "Interrupt" }).click();
      await rendered(server, before + 2);
      await other.getByText("Nothing runs").waitFor();
      await other.getByText("cancelled").first().waitFor();
      await other.evaluate(() => (location.hash = "/gallery"));
      await page.evaluate(() => (location.hash = "/gallery"));
      await page.locator(".tile").first().waitFor();
      const kept = page.waitForResponse((response) => response.url().includes("obscura.ratings") && response.request().method() === "POST");
      await page.getByRole("button", { name: "4 stars" }).first().click();
      await kept;
      await other.reload();
      await other.getByRole("group", { name: "Rating: 4 of 5" }).first().waitFor();
    },
  },
  {
    name: "the server restarted under the page is survived",
    async run({ browser, server }) {
      const page = await visit(browser, server);
      const { port } = new URL(server.url);
      const before = (await history(server)).length;
      await small(page, 50);
      await render(page);
      await until("a job that runs", async () => (await server.get("/queue")).queue_running.length === 1);
      await server.kill();
      await page.getByText("The server is away").waitFor();
      await page.getByLabel("Prompt", { exact: true }).fill("written while the server was away");
      await server.start(port);
      await page.getByText("The server is away").waitFor({ state: "detached" });
      const jobs = await rendered(server, before + 1);
      equal(jobs.at(-1).status.status_str, "success", "the job that was cut off");
      await small(page, 2);
      await render(page);
      const last = (await rendered(server, before + 2)).at(-1);
      equal(last.prompt[2][2].inputs.text, "written while the server was away", "prompt");
    },
  },
  {
    name: "the gallery searches, repeats, varies and exports clean",
    slow: true,
    async run({ browser, server }) {
      const page = await visit(browser, server);
      await page.getByLabel("Prompt", { exact: true }).fill("a photo of a teal cone on wood, overcast");
      await small(page, 2);
      const before = (await history(server)).length;
      await render(page);
      await rendered(server, before + 1);
      await page.evaluate(() => (location.hash = "/gallery"));
      await page.getByLabel("Search prompts and models").fill("teal pocket");
      await until("one result", async () => (await page.locator(".tile").count()) === 1);
      await page.locator(".tile-image").click();
      const viewer = page.locator("dialog.viewer");
      await viewer.getByText("a photo of a teal cone on wood, overcast").first().waitFor();
      await viewer.getByText(/^recipe/).waitFor();
      const [file] = await Promise.all([page.waitForEvent("download"), viewer.getByRole("button", { name: "Save without metadata" }).click()]);
      const { readFileSync } = await import("node:fs");
      const bytes = readFileSync(await file.path());
      assert(!bytes.includes("teal") && !bytes.includes("tEXt"), "the clean file tells of its making");
      await viewer.getByRole("button", { name: "Same again" }).click();
      const jobs = await rendered(server, before + 2);
      equal(await pixels(page, viewUrl(server, images(jobs.at(-1))[0])), await pixels(page, viewUrl(server, images(jobs.at(-2))[0])), "pixels of the same again");
      await page.locator(".tile-image").first().click();
      await viewer.getByRole("button", { name: "Vary" }).click();
      const varied = await rendered(server, before + 3);
      assert(JSON.stringify(await pixels(page, viewUrl(server, images(varied.at(-1))[0]))) !== JSON.stringify(await pixels(page, viewUrl(server, images(jobs.at(-1))[0]))), "the variation is the same image");
      await until("two results", async () => (await page.locator(".tile").count()) === 2);
      for (const at of [0, 1]) await page.locator(".tile-check").nth(at).check({ force: true });
      await page.getByRole("button", { name: "Compare" }).click();
      await page.locator("dialog.compare figure").nth(1).waitFor();
      await page.getByRole("button", { name: "Slider" }).click();
      await page.getByRole("slider", { name: "Where left ends and right begins" }).waitFor();
    },
  },
  {
    name: "the grid renders every cell and saves one labelled image",
    slow: true,
    async run({ browser, server }) {
      const page = await visit(browser, server);
      await small(page, 2);
      await page.evaluate(() => (location.hash = "/grid"));
      await page.getByLabel("Values of the X axis").fill("2, 4");
      await page.getByLabel("Values of the Y axis").fill("1-2");
      await page.getByRole("button", { name: "Render the grid" }).click();
      await page.getByText("4 of 4 rendered").waitFor({ timeout: 60_000 });
      equal(await page.locator(".grid-table thead th").allInnerTexts(), ["2", "4"], "labels");
      const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save the grid" }).click()]);
      const { readFileSync } = await import("node:fs");
      const bytes = readFileSync(await file.path());
      assert(bytes.readUInt32BE(16) > 128 && bytes.readUInt32BE(20) > 128, "the image holds less than its cells");
    },
  },
  {
    name: "any graph is a form",
    slow: true,
    async run({ browser, server }) {
      const before = (await history(server)).length;
      const page = await visit(browser, server);
      await small(page, 2);
      await page.getByRole("button", { name: "Show as graph" }).click();
      const sampler = page.locator('.node[data-type="KSampler"]');
      await sampler.hover();
      await sampler.getByRole("button", { name: "Show steps on the form" }).click();
      await page.evaluate(() => (location.hash = "/form"));
      await setNumber(page, "Steps, exactly", 3);
      await render(page);
      const last = (await rendered(server, before + 1)).at(-1);
      equal(Object.values(last.prompt[2]).find((node) => node.class_type === "KSampler").inputs.steps, 3, "steps");
      await page.getByRole("region", { name: "Images" }).locator("img.stage-image").waitFor();
    },
  },
];
