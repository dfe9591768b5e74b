import { describe, expect, test } from "vitest";
import { toPrompt } from "../src/document/api_form.ts";
import { fromEditorForm } from "../src/document/editor_form.ts";
import { toEditorForm } from "../src/document/editor_form_write.ts";
import { formatJson, type JsonObject, parseJson } from "../src/document/exact_json.ts";
import { parseNodeTypes } from "../src/document/parse_node_types.ts";
import objectInfo from "./object_info.json" with { type: "json" };

const types = parseNodeTypes(objectInfo as never);

/** As ComfyUI's editor writes it: widgets by position, the seed's control among them. */
const file = {
  version: 0.4,
  nodes: [
    { id: 3, type: "KSampler", pos: [863, 186], size: [315, 262], mode: 0, flags: {},
      inputs: [
        { name: "model", type: "MODEL", link: 1 },
        { name: "positive", type: "CONDITIONING", link: 4 },
        { name: "negative", type: "CONDITIONING", link: 6 },
        { name: "latent_image", type: "LATENT", link: 2 },
        { name: "seed", type: "INT", widget: { name: "seed" }, link: 9 },
      ],
      outputs: [{ name: "LATENT", type: "LATENT", links: [7] }],
      widgets_values: [5, "randomize", 20, 8, "euler", "normal", 0.5], color: "#223", bgcolor: "#335", shape: 1 },
    { id: 4, type: "CheckpointLoaderSimple", pos: [26, 474], mode: 0, widgets_values: ["pocket-xl-base.safetensors"] },
    { id: 5, type: "EmptyLatentImage", pos: { 0: 473, 1: 609 }, mode: 0, widgets_values: [512, 768, 2] },
    { id: 6, type: "CLIPTextEncode", pos: [415, 186], size: [422, 164], mode: 0,
      inputs: [{ name: "clip", type: "CLIP", link: 3 }], widgets_values: ["<b>beautiful</b> scenery"] },
    { id: 8, type: "PrimitiveNode", pos: [0, 0], widgets_values: [18446744073709551615n, "fixed"] },
    { id: 9, type: "Reroute", pos: [10, 20], inputs: [{ name: "", type: "*", link: 8 }] },
    { id: 10, type: "Note", pos: [0, 0], size: [240, 120], widgets_values: ["mind the seed"] },
  ],
  links: [[1, 4, 0, 3, 0, "MODEL"], [2, 5, 0, 3, 3, "LATENT"], [3, 4, 1, 6, 0, "CLIP"], [8, 6, 0, 9, 0, "*"],
    [4, 9, 0, 3, 1, "CONDITIONING"], [6, 9, 0, 3, 2, "CONDITIONING"], [9, 8, 0, 3, 4, "INT"]],
  groups: [{ title: "Sampling", bounding: [800, 100, 400, 400], color: "#b58b2a" }],
};

describe("ComfyUI's editor form", () => {
  const document = fromEditorForm(file as unknown as JsonObject, types);
  test("values find their inputs", () => {
    expect(document.nodes["3"]!.values).toMatchObject({
      seed: 18446744073709551615n, steps: 20, cfg: 8, sampler_name: "euler", scheduler: "normal", denoise: 0.5,
    });
    expect(document.nodes["3"]!.seedControl).toBe("randomize");
    expect(document.nodes["5"]!.values).toEqual({ width: 512, height: 768, batch_size: 2 });
    expect(document.nodes["5"]!.at).toEqual({ x: 473, y: 609 });
  });
  test("wires run through reroutes to the engine", () => {
    expect(toPrompt(document, types)["3"]!.inputs).toMatchObject({ positive: ["6", 0], negative: ["6", 0], model: ["4", 0] });
  });
  test("what is written reads back as the same document", () => {
    const written = parseJson(formatJson(toEditorForm(document, types))) as JsonObject;
    expect(fromEditorForm(written, types)).toEqual({
      ...document,
      nodes: document.nodes,
      groups: { "1": { ...document.groups["1"]!, } },
    });
    expect((written.nodes as JsonObject[])[0]).toMatchObject({ color: "#223", bgcolor: "#335", shape: 1 });
    expect((written.groups as JsonObject[])[0]!.color).toBe("#b58b2a");
  });
  test("the upload button stands after the required fields", () => {
    const info = { Mask: { input: { required: { image: [["a.png"], { image_upload: true }], channel: [["alpha", "red"], {}] }, optional: { n: ["INT", { default: 1 }] } }, output: [] } };
    const masks = parseNodeTypes(info as never);
    const saved = { nodes: [{ id: 1, type: "Mask", pos: [0, 0], widgets_values: ["a.png", "red", "image", 5] }], links: [] };
    const read = fromEditorForm(saved as never, masks);
    expect(read.nodes["1"]!.values).toEqual({ image: "a.png", channel: "red", n: 5 });
    expect((toEditorForm(read, masks).nodes as JsonObject[])[0]!.widgets_values).toEqual(saved.nodes[0]!.widgets_values);
  });
  test("a wire into a field keeps the field", () => {
    const wired = {
      ...document,
      links: { ...document.links, "20": { id: "20", from: "5", output: 0, to: "3", input: "steps" } },
    };
    const written = toEditorForm(wired, types);
    expect(fromEditorForm(written, types).links["20"]).toEqual(wired.links["20"]);
  });
  test("inputs shown on the form survive the file", () => {
    const exposed = { ...document, nodes: { ...document.nodes, "3": { ...document.nodes["3"]!, exposed: ["cfg", "seed"] } } };
    expect(fromEditorForm(toEditorForm(exposed, types), types).nodes["3"]!.exposed).toEqual(["cfg", "seed"]);
  });
});
