/** Functions of the page stay short: half of those with a body of statements have at most eight lines. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseSync } from "vite";
import { expect, test } from "vitest";

const SOURCES = path.join(import.meta.dirname, "../src");
const MOST_MEDIAN = 8;

type Node = { readonly type?: string; readonly start?: number; readonly end?: number; readonly body?: Node } & Record<string, unknown>;

const hasStatements = ({ type, body }: Node): boolean => /Function/.test(type ?? "") && body?.type === "BlockStatement";

/** The lines of each function below `node`. */
function lengthsIn(node: unknown, text: string): number[] {
  if (typeof node !== "object" || node === null) return [];
  const own = node as Node;
  const below = Object.values(own).flatMap((value) => lengthsIn(value, text));
  return hasStatements(own) ? [text.slice(own.start, own.end).split("\n").length, ...below] : below;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
}

test("a function's lines are counted", () => {
  const text = "const a = () => 1;\nfunction b() {\n  return () => {\n    a();\n  };\n}\n";
  expect(lengthsIn(parseSync("a.ts", text).program, text)).toEqual([5, 3]);
});

test("functions are short", () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((name) => /\.tsx?$/.test(name));
  const lengths = files.flatMap((name) => {
    const text = readFileSync(path.join(SOURCES, name), "utf8");
    return lengthsIn(parseSync(name, text).program, text);
  });
  expect(lengths.length).toBeGreaterThan(300);
  expect(median(lengths)).toBeLessThanOrEqual(MOST_MEDIAN);
});
