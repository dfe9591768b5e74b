import { expect, test } from "vitest";
import * as command from "../src/document/commands.ts";
import { EMPTY_DOCUMENT } from "../src/document/model.ts";
import { parseNodeTypes } from "../src/document/parse_node_types.ts";
import { chooseWords, promptToRun } from "../src/document/wildcards.ts";
import objectInfo from "./object_info.json" with { type: "json" };

test.each([
  ["a {red|green|blue} ball", 0.5, "a green ball"],
  ["{a|{b|c}} x", 0.9, "c x"],
  ["{only} {|empty}", 0, "only "],
  ["\\{kept|so\\} {p|q}", 0, "{kept|so} p"],
  ["an { open brace", 0.5, "an { open brace"],
])("%s at %d is %s", (text, at, wanted) => expect(chooseWords(text, () => at)).toBe(wanted));

test("the words follow the seed: the same again for the same, others in time for others", () => {
  const types = parseNodeTypes(objectInfo as never);
  const said = (seed: number) => {
    const sampler = command.newNode("2", types.get("KSampler")!, { x: 0, y: 0 });
    const document = command.together(
      command.addNode({ ...command.newNode("1", types.get("CLIPTextEncode")!, { x: 0, y: 0 }), values: { text: "a {red|green|blue|teal} ball" } }),
      command.addNode({ ...sampler, values: { ...sampler.values, seed } }),
    )(EMPTY_DOCUMENT);
    return promptToRun(document, types)["1"]!.inputs.text;
  };
  expect(said(5)).toBe(said(5));
  expect(new Set(Array.from({ length: 40 }, (_, seed) => said(seed))).size).toBe(4);
});
