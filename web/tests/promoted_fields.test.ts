import { describe, expect, test } from "vitest";
import { toPrompt } from "../src/document/api_form.ts";
import { fromEditorForm } from "../src/document/editor_form.ts";
import { toEditorForm } from "../src/document/editor_form_write.ts";
import { formatJson, type Json, type JsonObject, parseJson } from "../src/document/exact_json.ts";
import { types } from "./small_graph.ts";

const link = (id: number, from: number, output: number, to: number, slot: number, type: string): Json => ({
  id, origin_id: from, origin_slot: output, target_id: to, target_slot: slot, type,
});
const field = (name: string, type: string, wire: number | null): Json => ({ name, type, widget: { name }, link: wire });

/** "in": a sampler whose steps are an input of the subgraph, its seed a primitive's; "out": a node of "in". */
function file(...nodes: JsonObject[]): JsonObject {
  return {
    nodes,
    links: [],
    definitions: {
      subgraphs: [
        {
          id: "out", name: "Out", inputs: [], outputs: [], links: [],
          nodes: [{ id: 8, type: "in", inputs: [field("steps", "INT", null)], properties: { proxyWidgets: [["7", "cfg"], ["-1", "steps"]] }, widgets_values: [4, 12] }],
        },
        {
          id: "in", name: "In", outputs: [], inputs: [{ id: "a", name: "steps", type: "INT", linkIds: [1] }],
          nodes: [
            { id: 6, type: "PrimitiveNode", outputs: [{ name: "INT", type: "INT", links: [2] }], widgets_values: [77, "fixed"] },
            { id: 7, type: "KSampler", inputs: [field("steps", "INT", 1), field("seed", "INT", 2)], widgets_values: [1, "fixed", 20, 8, "euler", "normal", 1] },
          ],
          links: [link(1, -10, 0, 7, 0, "INT"), link(2, 6, 0, 7, 1, "INT")],
        },
      ],
    },
  };
}

const outer = (id: number, type: string, proxyWidgets: Json, values: Json[]): JsonObject => ({
  id, type, inputs: type === "in" ? [field("steps", "INT", null)] : [], properties: { proxyWidgets }, widgets_values: values,
});

const sampler = (document: JsonObject, id: string): Json[] => {
  const { seed, steps, cfg } = toPrompt(fromEditorForm(document, types), types)[id]!.inputs;
  return [seed!, steps!, cfg!];
};

describe("fields inside subgraphs that a list shows on its node", () => {
  test("have the values of their places in the list, each node of the subgraph its own", () => {
    const two = file(
      outer(1, "in", [["7", "cfg"], ["-1", "steps"], ["6", "value"]], [3, 30, 99]),
      outer(2, "in", [["7", "cfg"], ["7", "steps"]], [2.5, 15]),
    );
    expect(sampler(two, "1:7")).toEqual([99, 30, 3]);
    expect(sampler(two, "2:7")).toEqual([77, 15, 2.5]);
  });
  test("become inputs, which the file that is written has and the list no longer", () => {
    const document = fromEditorForm(file(outer(1, "in", [["7", "cfg"], ["-1", "steps"], ["6", "value"]], [3, 30, 99])), types);
    expect(document.subgraphs.in!.inputs.map(({ name, type }) => [name, type])).toEqual([["steps", "INT"], ["cfg", "FLOAT"], ["seed", "INT"]]);
    const written = parseJson(formatJson(toEditorForm(document, types))) as JsonObject;
    expect(JSON.stringify(written)).not.toContain("proxyWidgets");
    expect(toPrompt(fromEditorForm(written, types), types)).toEqual(toPrompt(document, types));
  });
  test("keep what they are inside where no value is kept, or one that cannot be theirs", () => {
    expect(sampler(file(outer(1, "in", [["7", "cfg"], ["-1", "steps"]], [null, 30])), "1:7")).toEqual([77, 30, 8]);
    expect(sampler(file(outer(1, "in", [["7", "cfg"]], [])), "1:7")).toEqual([77, 20, 8]);
    expect(sampler(file(outer(1, "in", [["99", "cfg"], ["7", "$$preview"], ["7", "cfg"], 3], [null, 2, "text", 4])), "1:7")).toEqual([77, 20, 8]);
  });
  test.each([[["8", "7: cfg"]], [["8", "cfg"]], [["8", "cfg", "7"]]])("of subgraphs in subgraphs have the outermost one's value: %j", (shown) => {
    expect(sampler(file(outer(1, "out", [], [])), "1:8:7")).toEqual([77, 12, 4]);
    expect(sampler(file(outer(1, "out", [shown, ["8", "steps"]], [5, 6])), "1:8:7")).toEqual([77, 6, 5]);
  });
  test("of a subgraph that holds itself come to an end", () => {
    const endless = file(outer(1, "in", [["9", "x"]], [1]));
    const [, inner] = (endless.definitions as JsonObject).subgraphs as JsonObject[];
    (inner!.nodes as JsonObject[]).push({ id: 9, type: "in", inputs: [], properties: { proxyWidgets: [["9", "x"]] }, widgets_values: [1] });
    expect(fromEditorForm(endless, types).subgraphs.in!.inputs.map(({ name }) => name)).toEqual(["steps"]);
  });
});
