import { describe, expect, test } from "vitest";
import { toPrompt } from "../src/document/api_form.ts";
import { toEditorForm } from "../src/document/editor_form_write.ts";
import { formatJson, type JsonObject, parseJson } from "../src/document/exact_json.ts";
import { parseNodeTypes } from "../src/document/parse_node_types.ts";
import { firstForm, formOf, type QuickForm, withForm } from "../src/forms/quick.ts";
import { quickDocument, quickPrompt } from "../src/forms/quick_prompt.ts";
import objectInfo from "./object_info.json" with { type: "json" };

const types = parseNodeTypes(objectInfo as never);
const form: QuickForm = { ...firstForm(types), seed: 18446744073709551615n };
const kinds = (prompt: ReturnType<typeof quickPrompt>) => Object.values(prompt).map((node) => node.class_type);
const only = (prompt: ReturnType<typeof quickPrompt>, type: string) => Object.values(prompt).filter((node) => node.class_type === type);

describe("the quick form", () => {
  test("starts with the model inside and a prompt that it knows", () => {
    expect(form).toMatchObject({ model: "pocket-xl-base.safetensors", width: 256, cfg: 4 });
    expect(form.prompt).toMatch(/red bottle/);
  });
  test("is the graph that it opens as", () => {
    expect(toPrompt(quickDocument(form, types), types)).toEqual(quickPrompt(form, types));
  });
  test("its LoRAs stand one behind another before everything that uses the model", () => {
    const prompt = quickPrompt({ ...form, loras: [{ name: "a", weight: 0.5 }, { name: "b", weight: 1 }] }, types);
    expect(only(prompt, "LoraLoader").map((node) => node.inputs.model)).toEqual([["1", 0], ["2", 0]]);
    expect(only(prompt, "KSampler")[0]!.inputs.model).toEqual(["3", 0]);
    expect(only(prompt, "CLIPTextEncode")[0]!.inputs.clip).toEqual(["3", 1]);
  });
  test("an image to start from is scaled when the size differs, and repeated for a batch", () => {
    const start = { image: "a.png", width: 256, height: 256, denoise: 0.6 };
    expect(kinds(quickPrompt({ ...form, start }, types))).not.toContain("ImageScale");
    const prompt = quickPrompt({ ...form, start, width: 512, batch: 3 }, types);
    expect(only(prompt, "ImageScale")[0]!.inputs).toMatchObject({ width: 512, height: 256 });
    expect(only(prompt, "RepeatLatentBatch")[0]!.inputs.amount).toBe(3);
    expect(only(prompt, "KSampler")[0]!.inputs.denoise).toBe(0.6);
  });
  test("a mask limits the noise, and keeps the rest where the server can", () => {
    const start = { image: "a.png", width: 256, height: 256, denoise: 1, mask: "m.png" };
    expect(kinds(quickPrompt({ ...form, start }, types))).toContain("SetLatentNoiseMask");
    const able = new Map(types).set("ImageCompositeMasked", { ...types.get("SaveImage")!, id: "ImageCompositeMasked" });
    const prompt = quickPrompt({ ...form, start }, able);
    const [composite] = only(prompt, "ImageCompositeMasked");
    expect(prompt[(composite!.inputs.destination as string[])[0]!]!.class_type).toBe("LoadImage");
    expect(prompt[(only(prompt, "SaveImage")[0]!.inputs.images as string[])[0]!]!.class_type).toBe("ImageCompositeMasked");
  });
  test("hires fix samples twice with one seed", () => {
    const prompt = quickPrompt({ ...form, hires: { scale: 1.5, steps: 12, denoise: 0.5 } }, types);
    expect(only(prompt, "KSampler").map((node) => [node.inputs.seed, node.inputs.denoise])).toEqual([[form.seed, 1], [form.seed, 0.5]]);
  });
  test("comes back out of the workflow that carries it", () => {
    const workflow = withForm(toEditorForm(quickDocument(form, types), types), form);
    expect(formOf(parseJson(formatJson(workflow)) as JsonObject)).toEqual(form);
    expect(formOf({ extra: {} })).toBeUndefined();
  });
});
