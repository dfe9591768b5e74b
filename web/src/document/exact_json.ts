/**
 * JSON whose whole numbers keep every digit: those that a double cannot hold become bigint.
 * Seeds reach 2^64 - 1, and the same image needs the same seed.
 */
export type Json = string | number | bigint | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const MARK = "\u0001whole:";

export function parseJson(text: string): Json {
  let marked = false;
  const readable = text.replace(TOKENS, (token) => {
    if (token.length < 16 || !/^-?\d+$/.test(token) || Number.isSafeInteger(Number(token))) return token;
    marked = true;
    return `"\\u0001whole:${token}"`;
  });
  if (!marked) return JSON.parse(text) as Json;
  return JSON.parse(readable, (_key, value: unknown) =>
    typeof value === "string" && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value,
  ) as Json;
}

export function formatJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(
    value,
    (_key, part: unknown) => (typeof part === "bigint" ? MARK + part.toString() : part),
    indent,
  );
  return text.replace(/"\\u0001whole:(-?\d+)"/g, "$1");
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
