import { expect, test } from "vitest";
import { sizeText } from "../src/views/parts/sizes.ts";

test.each([
  [0, "0.0 KiB"],
  [1536, "1.5 KiB"],
  [1024 * 1024 - 1, "1.0 MiB"],
  [300 * 2 ** 20, "300.0 MiB"],
  [2.6 * 2 ** 30, "2.6 GiB"],
  [1023.96 * 2 ** 20, "1.0 GiB"],
  [3 * 2 ** 50, "3072.0 TiB"],
  [-1, "–"],
  [Number.NaN, "–"],
])("%d bytes are %s", (bytes, text) => expect(sizeText(bytes)).toBe(text));
