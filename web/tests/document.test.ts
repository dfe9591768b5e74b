import { describe, expect, test } from "vitest";
import { fromPrompt, toPrompt } from "../src/document/api_form.ts";
import * as command from "../src/document/commands.ts";
import { Editor } from "../src/document/editor.ts";
import { formatJson, parseJson } from "../src/document/exact_json.ts";
import { copy, paste } from "../src/document/fragment.ts";
import { layOut } from "../src/document/layout.ts";
import { REROUTE } from "../src/document/model.ts";
import { parseNodeTypes } from "../src/document/parse_node_types.ts";
import { refuseLink, typeOfOutput } from "../src/document/wiring.ts";
import { node, small, types } from "./small_graph.ts";

describe("whole numbers keep their digits", () => {
  test.each(["18446744073709551615", '{"seed":9007199254740993,"text":"9007199254740993"}', "[1.2345678901234567,-12]"])(
    "%s",
    (text) => expect(formatJson(parseJson(text))).toBe(text),
  );
  test("a number in a string stays text, with quotes escaped before it", () => {
    expect(parseJson('{"a":"\\"18446744073709551615","b":18446744073709551615}')).toEqual({
      a: '"18446744073709551615',
      b: 18446744073709551615n,
    });
  });
});

describe("node types", () => {
  test("inputs keep their order and know their fields", () => {
    const sampler = types.get("KSampler")!;
    expect(sampler.inputs.map((input) => input.name)).toEqual([
      "model", "seed", "steps", "cfg", "sampler_name", "scheduler", "positive", "negative", "latent_image", "denoise",
    ]);
    expect(sampler.inputs.filter((input) => input.widget).map((input) => input.name)).toEqual([
      "seed", "steps", "cfg", "sampler_name", "scheduler", "denoise",
    ]);
    expect(sampler.inputs[1]!.isSeed).toBe(true);
  });
  test("COMBO with its options in the second place", () => {
    const parsed = parseNodeTypes({ X: { input: { required: { a: ["COMBO", { options: ["p", "q"] }] } }, output: [] } });
    expect(parsed.get("X")!.inputs[0]).toMatchObject({ type: "COMBO", choices: ["p", "q"], initial: "p", widget: true });
  });
});

describe("wiring", () => {
  const document = small();
  test("types must match", () => {
    expect(refuseLink(document, types, { node: "1", slot: 0 }, "5", "vae")).toMatch(/takes VAE, not MODEL/);
    expect(refuseLink(document, types, { node: "1", slot: 2 }, "5", "vae")).toBeUndefined();
  });
  test("no loops, no link to oneself", () => {
    const twice = command.addNode(node("7", "VAEEncode"))(document);
    const looped = command.connect({ node: "5", slot: 0 }, "7", "pixels")(twice);
    expect(refuseLink(looped, types, { node: "7", slot: 0 }, "4", "latent_image")).toMatch(/loop/);
    expect(refuseLink(document, types, { node: "4", slot: 0 }, "4", "latent_image")).toMatch(/itself/);
  });
  test("a reroute carries the type of what feeds it, and takes only what it feeds", () => {
    const wire = Object.values(document.links).find((link) => link.to === "6")!;
    const split = command.splitLink(wire.id, node("9", REROUTE))(document);
    expect(typeOfOutput(split, types, { node: "9", slot: 0 })).toBe("IMAGE");
    expect(refuseLink(split, types, { node: "4", slot: 0 }, "9", "")).toMatch(/takes IMAGE, not LATENT/);
    expect(toPrompt(split, types)).toEqual(toPrompt(document, types));
  });
});

describe("the API form", () => {
  test("has every value and every wire", () => {
    const prompt = toPrompt(small(), types);
    expect(prompt["4"]!.inputs).toEqual({
      model: ["1", 0], seed: 7, steps: 20, cfg: 8, sampler_name: "euler", scheduler: "karras",
      positive: ["2", 0], negative: ["2", 0], latent_image: ["3", 0], denoise: 1,
    });
  });
  test("comes back the same from a document made of it", () => {
    const prompt = toPrompt(small(), types);
    expect(toPrompt(fromPrompt(parseJson(formatJson(prompt)) as never, types), types)).toEqual(prompt);
  });
  test("a muted node is left out, and what it fed lacks its input", () => {
    const prompt = toPrompt(command.setMode(["2"], "muted")(small()), types);
    expect(prompt["2"]).toBeUndefined();
    expect(prompt["4"]!.inputs.positive).toBeUndefined();
  });
  test("a bypassed node hands on the input of the same type", () => {
    const lora = command.together(
      command.addNode(node("8", "LoraLoader")),
      command.connect({ node: "1", slot: 0 }, "8", "model"),
      command.connect({ node: "1", slot: 1 }, "8", "clip"),
      command.connect({ node: "8", slot: 0 }, "4", "model"),
      command.connect({ node: "8", slot: 1 }, "2", "clip"),
    )(small());
    expect(toPrompt(lora, types)["4"]!.inputs.model).toEqual(["8", 0]);
    const bypassed = toPrompt(command.setMode(["8"], "bypassed")(lora), types);
    expect(bypassed).toEqual(toPrompt(small(), types));
  });
});

describe("editing", () => {
  test("twenty undos bring back the very document, twenty redos the other", () => {
    const editor = new Editor(small());
    const first = editor.document;
    for (let i = 0; i < 20; ++i) {
      const kinds = [
        () => editor.apply("Move", command.moveNodes({ "4": { x: i * 10, y: i } })),
        () => editor.apply("Set", command.setValue("4", "steps", 30 + i)),
        () => editor.apply("Add", command.addNode(node(`${100 + i}`, "PreviewImage"))),
        () => editor.apply("Mute", command.setMode(["5"], editor.document.nodes["5"]!.mode === "muted" ? "active" : "muted")),
        () => editor.apply("Wire", command.connect({ node: "5", slot: 0 }, `${98 + i}`, "images")),
      ];
      kinds[i % kinds.length]!();
    }
    const last = editor.document;
    expect(last).not.toEqual(first);
    for (let i = 0; i < 20; ++i) editor.undo();
    expect(editor.document).toBe(first);
    expect(editor.undoLabel).toBeUndefined();
    for (let i = 0; i < 20; ++i) editor.redo();
    expect(editor.document).toBe(last);
  });
  test("joined changes are one step, and nothing changed is none", () => {
    const editor = new Editor(small());
    for (const cfg of [1, 2, 3]) editor.apply("CFG", command.setValue("4", "cfg", cfg), "4.cfg");
    editor.apply("CFG", command.setValue("4", "cfg", 3), "4.cfg");
    editor.undo();
    expect(editor.document.nodes["4"]!.values.cfg).toBe(8);
    expect(editor.undoLabel).toBeUndefined();
  });
  test("removing a node takes its wires along", () => {
    const document = command.removeNodes(["1"])(small());
    expect(Object.values(document.links).some((link) => link.from === "1")).toBe(false);
    expect(document.nodes["2"]).toBe(document.nodes["2"]);
  });
  test("pasting gives new ids, and keeps wires among what was copied only", () => {
    const document = small();
    const [pasted, ids] = paste(document, copy(document, ["4", "5"]), { x: 500, y: 0 });
    expect(ids).toEqual(["7", "8"]);
    const fresh = Object.values(pasted.links).filter((link) => ids.includes(link.to));
    expect(fresh).toEqual([expect.objectContaining({ from: "7", to: "8", input: "samples" })]);
    expect(pasted.nodes["7"]!.at).toEqual({ x: 500, y: 0 });
  });
});

test("the layout puts every node right of what feeds it, and none upon another", () => {
  const document = layOut(small(), types);
  for (const link of Object.values(document.links)) {
    expect(document.nodes[link.to]!.at.x).toBeGreaterThan(document.nodes[link.from]!.at.x + 200);
  }
  const places = Object.values(document.nodes).map((each) => `${each.at.x},${each.at.y}`);
  expect(new Set(places).size).toBe(places.length);
});
