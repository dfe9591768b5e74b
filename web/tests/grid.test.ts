import { describe, expect, test } from "vitest";
import { parseNodeTypes } from "../src/document/parse_node_types.ts";
import { axisValues, splitValues } from "../src/forms/axes.ts";
import { makeGrid } from "../src/forms/grid.ts";
import { firstForm } from "../src/forms/quick.ts";
import objectInfo from "./object_info.json" with { type: "json" };

const form = { ...firstForm(parseNodeTypes(objectInfo as never)), newSeeds: false };
const none = { kind: "none", values: "" } as const;

describe("values of an axis", () => {
  test.each([
    ["1,2, 5", ["1", "2", "5"]],
    ["1-4", ["1", "2", "3", "4"]],
    ["1-9 (+4), 20", ["1", "5", "9", "20"]],
    ["10-4 (+3)", ["10", "7", "4"]],
  ])("steps %s", (values, expected) => expect(axisValues({ kind: "steps", values })).toEqual(expected));
  test("in equal parts", () => expect(axisValues({ kind: "cfg", values: "0-1 [5]" })).toEqual(["0", "0.25", "0.5", "0.75", "1"]));
  test("what is no number is named", () => expect(() => axisValues({ kind: "cfg", values: "3, four" })).toThrow(/CFG: “four”/));
  test("commas inside quotes stay", () => expect(splitValues('red, "on marble, studio light" ,blue')).toEqual(["red", "on marble, studio light", "blue"]));
});

describe("the grid", () => {
  test("has a cell for each triple, and only the axes differ", () => {
    const grid = makeGrid(form, { x: { kind: "cfg", values: "2,4" }, y: { kind: "prompt", values: "red, blue" }, z: { kind: "seed", values: "7-9" } });
    expect(grid.cells).toHaveLength(12);
    const cell = grid.cells.find(({ x, y, z }) => x === 1 && y === 1 && z === 2)!;
    expect(cell.form).toEqual({ ...form, cfg: 4, seed: 9, prompt: form.prompt.replace("red", "blue") });
  });
  test("changing seeds become one seed", () => {
    const grid = makeGrid({ ...form, newSeeds: true }, { x: { kind: "steps", values: "1-3" }, y: none, z: none });
    expect(new Set(grid.cells.map((cell) => cell.form.seed)).size).toBe(1);
  });
  test("words that the prompt lacks are refused, and so are too many cells", () => {
    expect(() => makeGrid(form, { x: { kind: "prompt", values: "purple, blue" }, y: none, z: none })).toThrow(/does not contain “purple”/);
    expect(() => makeGrid(form, { x: { kind: "seed", values: "1-300" }, y: { kind: "cfg", values: "1-5" }, z: none })).toThrow(/at most 400/);
  });
});
