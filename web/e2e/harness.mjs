/**
 * For the tests in a real browser: a server of their own with the pocket model, Chromium, and one line a test:
 * `PASS name`, `FAIL name: why`. OBSCURA names the program, CHROMIUM the browser.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";

const program = process.env.OBSCURA;
if (!program) throw new Error("OBSCURA is not set: wanted the built program's path");
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
export const PATIENCE = 90_000;

export class Server {
  constructor(data = mkdtempSync(path.join(tmpdir(), "obscura-e2e-"))) {
    this.data = data;
  }
  async start(port = 0, more = []) {
    this.process = spawn(program, ["serve", "--data", this.data, "--listen", `127.0.0.1:${port}`, ...more], {
      env: { ...process.env, OMP_WAIT_POLICY: "passive" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    let timer;
    this.url = await new Promise((resolve, reject) => {
      const listen = (chunk) => {
        said += chunk;
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(said);
        if (found) resolve(found[0]);
      };
      this.process.stdout.on("data", listen);
      this.process.stderr.on("data", listen);
      this.process.on("exit", () => reject(new Error(`the server ended: ${said.slice(-500)}`)));
      timer = setTimeout(() => {
        this.process.kill("SIGKILL");
        reject(new Error(`the server does not listen: ${said.slice(-500)}`));
      }, 30_000);
    });
    clearTimeout(timer);
    return this;
  }
  kill(signal = "SIGKILL") {
    return new Promise((resolve) => {
      if (this.process.exitCode !== null || this.process.signalCode !== null) return resolve();
      this.process.once("exit", resolve);
      this.process.kill(signal);
    });
  }
  async end() {
    await this.kill("SIGTERM");
    rmSync(this.data, { recursive: true, force: true });
  }
  async get(route) {
    return (await fetch(this.url + route)).json();
  }
}

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

/** A page that keeps what must not happen: requests elsewhere, errors, breaches of the policy. */
export async function visit(browser, server, { screen = "create", width = 1280, height = 720, theme = "dark", context } = {}) {
  const own = context ?? (await browser.newContext({ viewport: { width, height }, colorScheme: theme }));
  const page = await own.newPage();
  page.setDefaultTimeout(20_000);
  page.elsewhere = [];
  page.wrong = [];
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (/^(https?|wss?):$/.test(protocol) && host !== new URL(server.url).host) page.elsewhere.push(request.url());
  });
  page.on("pageerror", (error) => page.wrong.push(error.message));
  page.on("console", (message) => {
    if (/Content Security Policy/i.test(message.text())) page.wrong.push(message.text());
  });
  await page.goto(`${server.url}/#/${screen}`);
  await page.locator("nav.rail").waitFor();
  return page;
}

export function assert(condition, message) {
  if (!condition) throw new Error(message);
}

export function equal(found, wanted, what) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: wanted ${b}, found ${a}`);
}

/** Asks until the answer is truthy. */
export async function until(what, ask, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** That there are so many, once the page has drawn what it was asked for. */
export async function counted(locator, wanted, what) {
  await until(what, async () => (await locator.count()) === wanted, 10_000).catch(() => {});
  equal(await locator.count(), wanted, what);
}

/** Pixels of an image of the server, as RGBA bytes. */
export function pixels(page, url) {
  return page.evaluate(async (address) => {
    const bitmap = await createImageBitmap(await (await fetch(address)).blob(), { colorSpaceConversion: "none" });
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const draw = canvas.getContext("2d");
    draw.drawImage(bitmap, 0, 0);
    return { width: bitmap.width, height: bitmap.height, data: [...draw.getImageData(0, 0, bitmap.width, bitmap.height).data] };
  }, url);
}

export function viewUrl(server, { filename, subfolder, type }) {
  return `${server.url}/view?${new URLSearchParams({ filename, subfolder, type })}`;
}

/** Jobs that are over, newest last. */
export async function history(server) {
  return Object.values(await server.get("/history?max_items=1000")).sort((a, b) => a.prompt[0] - b.prompt[0]);
}

export const images = (job) => Object.values(job.outputs).flatMap((output) => output.images ?? []);

export function rendered(server, count, patience = PATIENCE) {
  return until(`${count} finished jobs`, async () => {
    const jobs = await history(server);
    return jobs.length >= count ? jobs : undefined;
  }, patience);
}

/** Drops a file on the middle of the page, as from the desktop. */
export async function dropFile(page, name, type, bytes) {
  const transfer = await page.evaluateHandle(
    ([fileName, fileType, content]) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(content)], fileName, { type: fileType }));
      return data;
    },
    [name, type, [...bytes]],
  );
  for (const event of ["dragenter", "dragover", "drop"]) await page.dispatchEvent("main", event, { dataTransfer: transfer });
}
