import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { toPrompt } from "../src/document/api_form.ts";
import * as command from "../src/document/commands.ts";
import { Editor } from "../src/document/editor.ts";
import { fromEditorForm } from "../src/document/editor_form.ts";
import { toEditorForm } from "../src/document/editor_form_write.ts";
import { formatJson, type JsonObject, parseJson } from "../src/document/exact_json.ts";
import { copy, paste } from "../src/document/fragment.ts";
import type { GraphDocument, NodeId } from "../src/document/model.ts";
import { mayHold, onPlane, placeAt } from "../src/document/planes.ts";
import * as subgraphs from "../src/document/subgraph_commands.ts";
import * as slots from "../src/document/subgraph_slots.ts";
import { withSubgraphs } from "../src/document/subgraph_types.ts";
import { dissolve } from "../src/document/subgraphs.ts";
import { node, small, types } from "./small_graph.ts";

const whole = small();

function made(document = whole, ids: NodeId[] = ["2", "3", "4"], name = "Sampling") {
  const [after, outer] = subgraphs.makeSubgraph(document, ids, [], { types: withSubgraphs(document.subgraphs, types), name });
  return { document: after, outer: outer!, id: after.nodes[outer!]!.type };
}

/** What the engine runs, whatever its nodes are called. */
function anonymous(document: GraphDocument): unknown {
  const prompt = toPrompt(document, types);
  const last = (id: string) => id.split(":").at(-1)!;
  const entries = Object.entries(prompt).map(([id, { class_type, inputs }]) => {
    const named = Object.entries(inputs).map(([name, value]) => [name, Array.isArray(value) ? [last(String(value[0])), value[1]] : value]);
    return [last(id), { class_type, inputs: Object.fromEntries(named) }];
  });
  return Object.fromEntries(entries);
}

const reread = (document: GraphDocument): GraphDocument => fromEditorForm(parseJson(formatJson(toEditorForm(document, types))) as JsonObject, types);

describe("making a subgraph", () => {
  const { document, outer, id } = made();
  test("puts nodes inside, with one slot for each output that reaches across", () => {
    expect(Object.keys(document.nodes).sort()).toEqual(["1", "5", "6", outer].sort());
    expect(document.subgraphs[id]!.inputs.map(({ name, type }) => [name, type])).toEqual([["clip", "CLIP"], ["model", "MODEL"]]);
    expect(document.subgraphs[id]!.outputs.map(({ name, type }) => [name, type])).toEqual([["LATENT", "LATENT"]]);
  });
  test("changes nothing of what the engine runs", () => {
    expect(anonymous(document)).toEqual(anonymous(whole));
    expect(toPrompt(document, types)[`${outer}:4`]!.inputs).toMatchObject({ model: ["1", 0], positive: [`${outer}:2`, 0], seed: 7 });
  });
  test("a subgraph of subgraphs runs the same", () => {
    const nested = made(document, [outer, "5"], "More");
    expect(anonymous(nested.document)).toEqual(anonymous(whole));
    expect(Object.keys(toPrompt(nested.document, types))).toContain(`${nested.outer}:${outer}:4`);
    expect(anonymous(reread(nested.document))).toEqual(anonymous(whole));
  });
  test("is one step of undo, and dissolving brings back the same work", () => {
    const editor = new Editor(whole);
    editor.apply("Make", () => document);
    editor.apply("Open up", (before) => dissolve(before, outer)[0]);
    expect(Object.values(editor.document.nodes).some(({ type }) => type === id)).toBe(false);
    const prompt = Object.values(toPrompt(editor.document, types)).map(({ class_type }) => class_type).sort();
    expect(prompt).toEqual(Object.values(toPrompt(whole, types)).map(({ class_type }) => class_type).sort());
    editor.undo();
    editor.undo();
    expect(editor.document).toBe(whole);
  });
  test("a muted one is left out; a bypassed one hands on the input of the output's type", () => {
    expect(toPrompt(command.setMode([outer], "muted")(document), types)["5"]!.inputs.samples).toBeUndefined();
    const decode = made(whole, ["5"], "Decode");
    const bypassed = toPrompt(command.setMode([decode.outer], "bypassed")(decode.document), types);
    expect(bypassed["6"]!.inputs.images).toBeUndefined();
    expect(Object.keys(bypassed)).not.toContain(`${decode.outer}:5`);
  });
});

describe("what goes in and out", () => {
  const { document, outer, id } = made();
  const all = withSubgraphs(document.subgraphs, types);
  const exposed = slots.exposeInput(id, all, "4", "seed")(document);
  test("a field that is exposed stands on the outer node with its value, and its value counts", () => {
    expect(withSubgraphs(exposed.subgraphs, types).get(id)!.inputs.at(-1)).toMatchObject({ name: "seed", widget: true, isSeed: true });
    expect(exposed.nodes[outer]!.values.seed).toBe(7);
    const changed = command.setValue(outer, "seed", 18446744073709551615n)(exposed);
    expect(toPrompt(changed, types)[`${outer}:4`]!.inputs.seed).toBe(18446744073709551615n);
    expect(toPrompt(reread(changed), types)).toEqual(toPrompt(changed, types));
  });
  test("a wire into an exposed field goes before its value", () => {
    const wired = command.connect({ node: "3", slot: 0 }, outer, "seed")(command.addNode(node("3", "EmptyLatentImage"))(exposed));
    expect(toPrompt(wired, types)[`${outer}:4`]!.inputs.seed).toEqual(["3", 0]);
  });
  test("a second copy has values of its own and the same inside", () => {
    const [copies, [second]] = paste(exposed, copy(exposed, [outer]), { x: 0, y: 900 });
    const changed = command.setValue(second!, "seed", 99)(copies);
    const prompt = toPrompt(changed, types);
    expect([prompt[`${outer}:4`]!.inputs.seed, prompt[`${second}:4`]!.inputs.seed]).toEqual([7, 99]);
    const inside = onPlane(id, command.setValue("4", "steps", 33))(changed);
    expect([toPrompt(inside, types)[`${outer}:4`]!.inputs.steps, toPrompt(inside, types)[`${second}:4`]!.inputs.steps]).toEqual([33, 33]);
  });
  test("slots are renamed and removed with their wires, inside and outside", () => {
    const renamed = slots.renameInput(id, "model", "unet")(exposed);
    expect(anonymous(renamed)).toEqual(anonymous(exposed));
    expect(slots.renameInput(id, "model", "clip")(exposed).subgraphs[id]!.inputs.map(({ name }) => name)).toEqual(["clip", "clip_1", "seed"]);
    const removed = slots.removeInput(id, "clip")(exposed);
    const prompt = toPrompt(removed, types);
    expect(prompt[`${outer}:2`]!.inputs.clip).toBeUndefined();
    expect(prompt[`${outer}:4`]!.inputs).toMatchObject({ model: ["1", 0], seed: 7 });
    const more = slots.exposeOutput(id, all, { node: "2", slot: 0 })(exposed);
    expect(more.subgraphs[id]!.outputs.map(({ name }) => name)).toEqual(["LATENT", "CONDITIONING"]);
    const fewer = slots.removeOutput(id, "LATENT")(command.connect({ node: outer, slot: 1 }, "5", "samples")(more));
    expect(toPrompt(fewer, types)["5"]!.inputs.samples).toEqual([`${outer}:2`, 0]);
    expect(slots.renameOutput(id, "LATENT", "result")(exposed).subgraphs[id]!.outputs[0]!.name).toBe("result");
  });
  test("no subgraph may hold itself", () => {
    const nested = made(document, [outer], "Outer");
    expect(mayHold(nested.document, id, nested.id)).toBe(false);
    expect(mayHold(nested.document, id, id)).toBe(false);
    expect(mayHold(nested.document, nested.id, id)).toBe(true);
  });
  test("a path leads inside as far as it can", () => {
    expect(placeAt(document, [outer])).toMatchObject({ path: [outer], names: ["Sampling"] });
    expect(placeAt(whole, [outer]).document).toBe(whole);
    expect(placeAt(document, [outer]).document).toBe(placeAt(document, [outer]).document);
  });
});

describe("ComfyUI's editor form", () => {
  test("comes back as the same document, subgraphs that nothing stands for left out", () => {
    const { document, outer, id } = made();
    const exposed = slots.exposeInput(id, withSubgraphs(document.subgraphs, types), "2", "text")(document);
    const back = reread(exposed);
    expect(toPrompt(back, types)).toEqual(toPrompt(exposed, types));
    expect(back.subgraphs[id]).toMatchObject({ name: "Sampling", inputs: exposed.subgraphs[id]!.inputs, outputs: exposed.subgraphs[id]!.outputs });
    expect(reread(back)).toEqual(back);
    expect(reread(command.removeNodes([outer])(exposed)).subgraphs).toEqual({});
  });
  const file = {
    nodes: [
      { id: 1, type: "CheckpointLoaderSimple", pos: [0, 0], widgets_values: ["pocket-xl-base.safetensors"] },
      { id: 2, type: "0f9c", title: "Prompting", pos: [300, 0],
        inputs: [{ name: "clip", type: "CLIP" }, { name: "text", type: "STRING", widget: { name: "text" } }],
        widgets_values: ["outer words"] },
      { id: 3, type: "KSampler", pos: [600, 0], inputs: [{ name: "positive", type: "CONDITIONING" }],
        widgets_values: [1, "fixed", 20, 8, "euler", "normal", 1] },
    ],
    links: [[1, 1, 1, 2, 0, "CLIP"], [2, 2, 0, 3, 0, "CONDITIONING"]],
    definitions: {
      subgraphs: [{
        id: "0f9c", name: "Prompting",
        inputNode: { id: -10, bounding: [-300, 0, 120, 80] }, outputNode: { id: -20, bounding: [500, 0, 120, 60] },
        inputs: [{ id: "a", name: "clip", type: "CLIP", linkIds: [1] }, { id: "b", name: "text", type: "STRING", linkIds: [2] }],
        outputs: [{ id: "c", name: "CONDITIONING", type: "CONDITIONING", linkIds: [3] }],
        nodes: [{ id: 7, type: "CLIPTextEncode", pos: [10, 10], widgets_values: ["inner words"],
          inputs: [{ name: "clip", type: "CLIP" }, { name: "text", type: "STRING", widget: { name: "text" } }] }],
        links: [
          { id: 1, origin_id: -10, origin_slot: 0, target_id: 7, target_slot: 0, type: "CLIP" },
          { id: 2, origin_id: -10, origin_slot: 1, target_id: 7, target_slot: 1, type: "STRING" },
          { id: 3, origin_id: 7, origin_slot: 0, target_id: -20, target_slot: 0, type: "CONDITIONING" },
        ],
      }],
    },
  };
  test("a file of ComfyUI's keeps its subgraph, whose values count", () => {
    const document = fromEditorForm(file as unknown as JsonObject, types);
    expect(document.nodes["2"]).toMatchObject({ type: "0f9c", values: { text: "outer words" } });
    expect(withSubgraphs(document.subgraphs, types).get("0f9c")!.label).toBe("Prompting");
    const prompt = toPrompt(document, types);
    expect(prompt["2:7"]!.inputs).toEqual({ clip: ["1", 1], text: "outer words" });
    expect(prompt["3"]!.inputs.positive).toEqual(["2:7", 0]);
  });
  test("a file made in the editor's own library means what it runs, and so does ours of it", () => {
    const { file: made, prompt } = parseJson(readFileSync(path.join(import.meta.dirname, "../../tests/golden/editor_subgraphs.json"), "utf8")) as Record<string, JsonObject>;
    const means = (document: GraphDocument) => Object.fromEntries(Object.entries(toPrompt(document, types)).map(([id, { class_type, inputs }]) => [id, { class_type, inputs }]));
    const document = fromEditorForm(made!, types);
    expect(means(document)).toEqual(prompt);
    expect(means(reread(document))).toEqual(prompt);
    const [sampling] = Object.values(document.subgraphs);
    expect([sampling!.name, sampling!.inputs.at(-1)!.name, sampling!.outputs[0]!.name]).toEqual(["Sampling", "what it shows", "result"]);
  });
  test("subgraphs stand after those within them", () => {
    const { document, outer } = made();
    const nested = made(document, [outer, "5"], "More");
    const { subgraphs: written } = toEditorForm(nested.document, types).definitions as { subgraphs: JsonObject[] };
    expect(written.map(({ name }) => name)).toEqual(["Sampling", "More"]);
  });
  test("a subgraph that holds itself comes to an end", () => {
    const endless = structuredClone(file) as unknown as JsonObject;
    const [inner] = (endless.definitions as JsonObject).subgraphs as JsonObject[];
    (inner!.nodes as JsonObject[]).push({ id: 8, type: "0f9c", pos: [0, 0] });
    expect(Object.keys(toPrompt(fromEditorForm(endless, types), types)).length).toBeLessThan(100);
  });
});
