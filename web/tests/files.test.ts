import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { toPrompt } from "../src/document/api_form.ts";
import { parseNodeTypes } from "../src/document/parse_node_types.ts";
import { join, readTexts, withoutTexts } from "../src/files/image_metadata.ts";
import { isModelFile, kindOfHeader } from "../src/files/model_header.ts";
import { openBytes } from "../src/files/open.ts";
import { crc32, zip } from "../src/files/zip.ts";
import objectInfo from "./object_info.json" with { type: "json" };

const types = parseNodeTypes(objectInfo as never);

function chunk(kind: string, data: Uint8Array): Uint8Array {
  const body = join([new TextEncoder().encode(kind), data]);
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, data.length);
  const tail = new Uint8Array(4);
  new DataView(tail.buffer).setUint32(0, crc32(body));
  return join([head, body, tail]);
}

const utf8 = (text: string) => new TextEncoder().encode(text);

function png(...chunks: Uint8Array[]): Uint8Array {
  const header = new Uint8Array([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
  const pixel = new Uint8Array([0x78, 0x01, 0x01, 0x02, 0x00, 0xfd, 0xff, 0x00, 0x7f, 0x00, 0x81, 0x00, 0x80]);
  return join([
    new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk("IHDR", header), ...chunks, chunk("IDAT", pixel), chunk("IEND", new Uint8Array()),
  ]);
}

const prompt = '{"4":{"class_type":"KSampler","inputs":{"seed":18446744073709551615,"steps":3}}}';

test("texts of a PNG, plain and international", async () => {
  const image = png(chunk("tEXt", utf8(`prompt\0${prompt}`)), chunk("iTXt", utf8("note\0\0\0de\0Notiz\0Grüße")));
  const texts = await readTexts(image);
  expect(texts.get("prompt")).toBe(prompt);
  expect(texts.get("note")).toBe("Grüße");
  const document = await openBytes(image, "a.png", types);
  expect(toPrompt(document, types)["4"]!.inputs.seed).toBe(18446744073709551615n);
});

test("a clean copy has the same pixels and no text", async () => {
  const clean = withoutTexts(png(chunk("tEXt", utf8(`prompt\0${prompt}`))));
  expect(Buffer.from(clean)).toEqual(Buffer.from(png()));
  await expect(openBytes(clean, "clean.png", types)).rejects.toThrow(/without a workflow/);
});

test("what the page cannot read in an image, the server is asked for", async () => {
  const asked: Uint8Array[] = [];
  const ask = (image: Uint8Array) => {
    asked.push(image);
    return Promise.resolve(JSON.parse(prompt.replace("18446744073709551615", "7")));
  };
  const parameters = png(chunk("tEXt", utf8("parameters\0a cup\nSteps: 20")));
  const jpeg = new Uint8Array([0xff, 0xd8, 0xff, 0xe0]);
  for (const image of [parameters, jpeg]) {
    const document = await openBytes(image, "a", types, ask);
    expect(toPrompt(document, types)["4"]!.inputs.seed).toBe(7);
  }
  expect(asked).toEqual([parameters, jpeg]);
  await openBytes(png(chunk("tEXt", utf8(`prompt\0${prompt}`))), "a.png", types, ask);
  expect(asked.length, "not for what it reads itself").toBe(2);
});

test("what is no workflow is refused by name", async () => {
  await expect(openBytes(utf8("hello"), "notes.txt", types)).rejects.toThrow(/notes.txt is neither/);
  await expect(openBytes(utf8('{"a":1}'), "a.json", types)).rejects.toThrow(/not a workflow/);
});

test("python reads the ZIP", { timeout: 60_000 }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), "zip-"));
  const file = path.join(folder, "a.zip");
  writeFileSync(file, zip([{ name: "eins.png", bytes: png() }, { name: "größe.txt", bytes: utf8("zwei") }]));
  const script = "import zipfile,sys; z=zipfile.ZipFile(sys.argv[1]); print(z.testzip(), z.namelist(), z.read('größe.txt').decode())";
  const said = execFileSync("python3", ["-c", script, file], { encoding: "utf8" });
  expect(said.trim()).toBe("None ['eins.png', 'größe.txt'] zwei");
  expect(readFileSync(file).length).toBeGreaterThan(100);
});

test("the kind of a model is read from the names of its tensors", async () => {
  const file = (names: readonly string[]) => {
    const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(names.map((name) => [name, { dtype: "F16", shape: [1], data_offsets: [0, 2] }]))));
    const length = new DataView(new ArrayBuffer(8));
    length.setBigUint64(0, BigInt(header.length), true);
    return new Blob([length, header, new Uint8Array(2)]);
  };
  expect(await kindOfHeader(file(["model.diffusion_model.input_blocks.0.0.weight", "first_stage_model.encoder.conv_in.weight"]))).toBe("checkpoints");
  expect(await kindOfHeader(file(["lora_unet_down_blocks_0.lora_up.weight"]))).toBe("loras");
  expect(await kindOfHeader(file(["encoder.conv_in.weight", "decoder.conv_in.weight"]))).toBe("vae");
  expect(await kindOfHeader(file(["controlnet_cond_embedding.conv_in.weight", "down_blocks.0.resnets.0.conv1.weight"]))).toBe("controlnet");
  expect(await kindOfHeader(file(["something.else"]))).toBeUndefined();
  expect(await kindOfHeader(new Blob(["PK no safetensors at all"]))).toBeUndefined();
  expect([isModelFile("a.safetensors"), isModelFile("b.PTH"), isModelFile("c.png")]).toEqual([true, true, false]);
});
