import { expect, test } from "vitest";
import { countText } from "../src/views/parts/counts.ts";

test("a number of things is singular where it is one", () => {
  expect([0, 1, 2].map((count) => countText(count, "image"))).toEqual(["no images", "1 image", "2 images"]);
});
