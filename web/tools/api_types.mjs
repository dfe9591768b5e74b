/** node tools/api_types.mjs: writes src/service/api_types.ts, the shapes that docs/openapi.json names. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const here = import.meta.dirname;
const DESCRIPTION = path.resolve(here, "../../docs/openapi.json");
const OUTPUT = path.resolve(here, "../src/service/api_types.ts");

const PLAIN = { string: "string", integer: "number", number: "number", boolean: "boolean" };

function typeOf(schema, indent) {
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const base = bare(schema, indent);
  return schema.nullable ? `${base} | null` : base;
}

function bare(schema, indent) {
  if (schema.type === "array") {
    const item = typeOf(schema.items ?? {}, indent);
    return item.includes(" ") && !item.startsWith("{") ? `readonly (${item})[]` : `readonly ${item}[]`;
  }
  if (schema.type === "object" && schema.properties) return objectOf(schema, indent);
  if (schema.type === "object") return "{ readonly [key: string]: unknown }";
  return PLAIN[schema.type] ?? "unknown";
}

function objectOf(schema, indent) {
  const required = new Set(schema.required ?? []);
  const lines = Object.entries(schema.properties).map(([name, property]) => {
    const comment = property.description ? `${indent}  /** ${property.description} */\n` : "";
    return `${comment}${indent}  readonly ${name}${required.has(name) ? "" : "?"}: ${typeOf(property, `${indent}  `)};\n`;
  });
  return `{\n${lines.join("")}${indent}}`;
}

export function apiTypes(description) {
  const parts = Object.entries(description.components.schemas).map(([name, schema]) => {
    const comment = schema.description ? `/** ${schema.description} */\n` : "";
    const body = typeOf(schema, "");
    return body.startsWith("{") ? `${comment}export interface ${name} ${body}\n` : `${comment}export type ${name} = ${body};\n`;
  });
  return `// Written by tools/api_types.mjs from docs/openapi.json.\n\n${parts.join("\n")}`;
}

export const fresh = () => apiTypes(JSON.parse(readFileSync(DESCRIPTION, "utf8")));

if (process.argv[1] === import.meta.filename) writeFileSync(OUTPUT, fresh());
