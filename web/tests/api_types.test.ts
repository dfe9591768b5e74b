import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
// @ts-expect-error: a script of Node's, without types
import { apiTypes, fresh } from "../tools/api_types.mjs";

test("the types are those of docs/openapi.json as it is; `npm run types` writes them", () => {
  expect(readFileSync(new URL("../src/service/api_types.ts", import.meta.url), "utf8")).toBe(fresh());
});

test("what is required, nullable, listed or one of several keeps being so", () => {
  const schema = {
    type: "object",
    required: ["a", "b"],
    properties: {
      a: { type: "string", enum: ["x", "y"] },
      b: { type: "array", items: { $ref: "#/components/schemas/Other" } },
      c: { type: "integer", nullable: true, description: "Maybe." },
    },
  };
  const text = apiTypes({ components: { schemas: { Thing: schema } } }) as string;
  expect(text).toContain('export interface Thing {\n  readonly a: "x" | "y";\n  readonly b: readonly Other[];\n  /** Maybe. */\n  readonly c?: number | null;\n}\n');
});
