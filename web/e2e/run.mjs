/** node e2e/run.mjs [--quick] [WORD…]: runs the tests whose names contain a word; --quick only those marked so. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { launch, Server } from "./harness.mjs";

const words = process.argv.slice(2).filter((word) => !word.startsWith("--"));
const quick = process.argv.includes("--quick");
const folder = import.meta.dirname;
const tests = [];
for (const file of readdirSync(folder).filter((name) => name.endsWith(".e2e.mjs")).sort()) {
  tests.push(...(await import(path.join(folder, file))).default);
}
const wanted = tests.filter(({ name, slow }) => (!quick || !slow) && (words.length === 0 || words.some((word) => name.includes(word))));

const browser = await launch();
let server;
let failures = 0;
for (const { name, run, fresh } of wanted) {
  const began = Date.now();
  try {
    if (fresh && server) {
      await server.end();
      server = undefined;
    }
    server ??= await new Server().start();
    await run({ browser, server });
    console.log(`PASS page: ${name}`);
  } catch (error) {
    ++failures;
    console.log(`FAIL page: ${name}: ${String(error.message).split("\n").slice(0, 6).join(" ")}`);
    for (const context of browser.contexts()) {
      const last = context.pages().at(-1);
      if (process.env.SHOTS && last) await last.screenshot({ path: path.join(process.env.SHOTS, `${name.replace(/\W+/g, "_")}.png`) }).catch(() => undefined);
    }
  }
  for (const context of browser.contexts()) await context.close();
  if (process.env.TIMES) console.error(`${name}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
}
await server?.end();
await browser.close();
process.exit(failures > 0 ? 1 : 0);
