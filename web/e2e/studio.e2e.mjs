/** Projects, models and the queue: what a studio has besides images. */
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { workflow } from "./canvas.mjs";
import { assert, counted, dropFile, equal, history, rendered, until, visit } from "./harness.mjs";
import { lora } from "./lora.mjs";

const send = async (server, route, body) => {
  const answer = await fetch(server.url + route, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  return answer.json();
};

const go = (page, screen) => page.evaluate((id) => (location.hash = `/${id}`), screen);

/** Onto the job at `to`, below its middle or above. */
async function dragJob(page, from, to, below) {
  const box = await to.boundingBox();
  const transfer = await page.evaluateHandle(() => new DataTransfer());
  await from.dispatchEvent("dragstart", { dataTransfer: transfer });
  const at = { dataTransfer: transfer, clientX: box.x + 40, clientY: box.y + box.height * (below ? 0.8 : 0.2) };
  await to.dispatchEvent("dragover", at);
  await to.dispatchEvent("drop", at);
}

export default [
  {
    name: "projects keep their images to themselves, and a viewer sees only their own",
    fresh: true,
    async run({ browser, server }) {
      await send(server, "/prompt", { prompt: workflow(1, 1) });
      await rendered(server, 1);
      const page = await visit(browser, server, { screen: "gallery" });
      await page.locator(".tile").waitFor();
      await page.getByRole("button", { name: /^Project/ }).click();
      await page.getByRole("menuitem", { name: "New project" }).click();
      await page.getByLabel("Name", { exact: true }).fill("<b>Acme</b> spring");
      await Promise.all([page.waitForEvent("load"), page.getByRole("button", { name: "Make it" }).click()]);
      await page.getByText("No images yet").waitFor();
      await page.getByRole("button", { name: "Project: <b>Acme</b> spring" }).waitFor();
      await send(server, "/prompt?project=b-acme-b-spring", { prompt: workflow(2, 1) });
      await page.locator(".tile").waitFor();
      await counted(page.locator(".tile"), 1, "images of the project");
      await Promise.all([page.waitForEvent("load"), page.getByRole("combobox", { name: "Project" }).selectOption({ label: "Default" })]);
      await page.locator(".tile").waitFor();
      equal(await page.evaluate(() => document.querySelectorAll("nav b, main b").length), 0, "markup of the project's name");

      const { token } = await send(server, "/api/v1/users", { name: "vera", role: "viewer", projects: ["b-acme-b-spring"] });
      const context = await browser.newContext({ viewport: { width: 1280, height: 720 } });
      const hers = await context.newPage();
      await hers.goto(`${server.url}/?token=${token}#/gallery`);
      await hers.locator(".tile").waitFor();
      await counted(hers.locator(".tile"), 1, "what the viewer sees");
      const source = await hers.locator(".tile img").first().getAttribute("src");
      equal(await hers.evaluate(async (url) => (await fetch(url)).status, source), 200, `the status of ${source}`);
      equal(await hers.evaluate(async (key) => (await fetch(`/api/v1/jobs?project=default&token=${key}`)).status, token), 404, "another project");
      await hers.locator(".tile-image").click();
      await hers.getByRole("button", { name: "Save", exact: true }).waitFor();
      equal(await hers.getByRole("button", { name: "Same again" }).count(), 0, "what she may not do");
      await hers.keyboard.press("Escape");
      await go(hers, "create");
      await until("a button that rests", () => hers.getByRole("button", { name: "Render", exact: true }).isDisabled());
      await go(hers, "queue");
      equal(await hers.getByRole("button", { name: /^Project/ }).count(), 0, "projects to choose from");
    },
  },
  {
    name: "models are imported by dropping them, say what they are, and are refused with a reason",
    async run({ browser, server }) {
      const page = await visit(browser, server, { screen: "models" });
      const name = "<b>shots</b> v1.safetensors";
      const metadata = { "modelspec.title": "<i>Shots</i>", "modelspec.license": "CC-BY-4.0", "modelspec.trigger_phrase": "shotz, on marble", "modelspec.architecture": "stable-diffusion-xl-v1-base/lora" };
      await page.getByRole("button", { name: "Import", exact: true }).waitFor();
      await dropFile(page, name, "", lora(metadata));
      const facts = page.locator(".model-facts");
      await facts.getByText("CC-BY-4.0").waitFor();
      await facts.getByText("<i>Shots</i>").waitFor();
      await facts.getByRole("button", { name: "on marble" }).waitFor();
      equal(await page.getByRole("button", { name: /^LoRAs/ }).getAttribute("aria-pressed"), "true", "the kind that it was found to be");
      equal(await page.evaluate(() => document.querySelectorAll("main b, main i:not([class]):not([style])").length), 0, "markup in names");
      await go(page, "create");
      await page.getByText("LoRAs", { exact: true }).click();
      await page.getByRole("button", { name: "Add a LoRA" }).click();
      equal(await page.getByRole("combobox", { name: "LoRA 1" }).inputValue(), name, "the LoRA in the form");
      await page.getByRole("button", { name: "Remove LoRA 1" }).click();

      await go(page, "models");
      await dropFile(page, "broken.safetensors", "", new TextEncoder().encode("no model at all"));
      const refused = page.locator(".import");
      await refused.locator(".job-error").waitFor();
      assert((await refused.innerText()).includes("broken.safetensors"), "the file is named");
      await refused.getByRole("button", { name: "Dismiss" }).click();
      await refused.waitFor({ state: "detached" });

      await page.route("**/api/v1/models/**", () => undefined);
      await dropFile(page, "slow.safetensors", "", lora({}));
      await page.getByRole("progressbar", { name: "Import of slow.safetensors" }).waitFor();
      await page.getByRole("button", { name: "Cancel the import of slow.safetensors" }).click();
      await refused.waitFor({ state: "detached" });
    },
  },
  {
    name: "the queue is reordered by drag and by keys, held and let go",
    async run({ browser, server }) {
      const before = (await history(server)).length;
      await send(server, "/api/v1/queue/pause", {});
      const words = ["first", "second", "third", "fourth"];
      for (const [at, word] of words.entries()) {
        const prompt = workflow(100 + at, 1);
        prompt[2].inputs.text = word;
        await send(server, "/prompt", { prompt });
      }
      const page = await visit(browser, server, { screen: "queue" });
      const jobs = page.locator("ol.jobs").first().locator(".job");
      const order = () => jobs.locator(".clip").allInnerTexts();
      const becomes = (...wanted) => until(`the order ${wanted}`, async () => JSON.stringify(await order()) === JSON.stringify(wanted), 5000);
      await becomes(...words);
      await dragJob(page, jobs.nth(0), jobs.nth(2), true);
      await becomes("second", "third", "first", "fourth");
      await dragJob(page, jobs.nth(3), jobs.nth(0), false);
      await becomes("fourth", "second", "third", "first");
      const place = (at) => jobs.nth(at).getByRole("button", { name: /^Place/ });
      await place(0).focus();
      await page.keyboard.press("ArrowDown");
      await becomes("second", "fourth", "third", "first");
      await page.keyboard.press("ArrowDown");
      await becomes("second", "third", "fourth", "first");
      await page.keyboard.press("ArrowUp");
      await becomes("second", "fourth", "third", "first");
      await jobs.nth(1).getByRole("button", { name: "Hold" }).click();
      await jobs.nth(1).getByText("held").waitFor();
      await page.getByRole("button", { name: "Resume" }).click();
      const done = await rendered(server, before + 3);
      const said = (job) => Object.values(job.prompt[2]).find((node) => node.class_type === "CLIPTextEncode").inputs.text;
      const began = (job) => job.status.messages.find(([kind]) => kind === "execution_start")[1].timestamp;
      equal(done.slice(before).sort((a, b) => began(a) - began(b)).map(said), ["second", "third", "first"], "the order in which they ran");
      await page.getByRole("button", { name: "Release" }).click();
      await rendered(server, before + 4);
    },
  },
  {
    name: "a model shows the image and the words that lie beside it",
    async run({ browser, server }) {
      const folder = path.join(server.data, "models", "loras");
      mkdirSync(folder, { recursive: true });
      writeFileSync(path.join(folder, "warm.v2.safetensors"), lora({ ss_tag_frequency: '{"x":{"counted":3}}' }));
      copyFileSync(new URL("../../workflows/input/bottle.png", import.meta.url), path.join(folder, "warm.v2.preview.png"));
      writeFileSync(path.join(folder, "warm.v2.json"), JSON.stringify({ "activation text": "warm light, <b>dusk</b>", description: "Best at 0.8." }));
      const page = await visit(browser, server, { screen: "models" });
      await page.getByRole("button", { name: /^LoRAs/ }).click();
      await page.getByRole("button", { name: /^warm\.v2\.safetensors/ }).click();
      const facts = page.getByRole("complementary", { name: "warm.v2.safetensors" });
      await facts.getByRole("button", { name: "warm light" }).waitFor();
      equal(await facts.getByRole("button").allTextContents(), ["warm light", "<b>dusk</b>"], "trigger words");
      await facts.getByText("Best at 0.8.").waitFor();
      for (const image of [facts.getByRole("img", { name: "Preview" }), page.locator(".model-image img")]) {
        await until("the preview", () => image.evaluate((image) => image.complete && image.naturalWidth > 0), 10_000);
      }
      equal(page.wrong, [], "errors of the page");
    },
  },
];
