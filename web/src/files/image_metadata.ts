/** Texts inside images: PNG's chunks, and the EXIF that ComfyUI writes into WebP. */

export type Texts = Map<string, string>;

const PNG = [137, 80, 78, 71, 13, 10, 26, 10];
/** Chunks that tell of the making; pixels, colour and transparency stay. */
const TELLING = new Set(["tEXt", "zTXt", "iTXt", "eXIf", "tIME"]);

interface Chunk {
  kind: string;
  /** From the length field to behind the checksum. */
  start: number;
  end: number;
  data: Uint8Array;
}

export function isPng(bytes: Uint8Array): boolean {
  return PNG.every((value, index) => bytes[index] === value);
}

function* chunksOf(bytes: Uint8Array): Generator<Chunk> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const end = at + 12 + length;
    if (end > bytes.length) return;
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    yield { kind, start: at, end, data: bytes.subarray(at + 8, end - 4) };
    at = end;
  }
}

async function inflate(data: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([data.slice()]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const latin1 = (bytes: Uint8Array): string => new TextDecoder("latin1").decode(bytes);
const utf8 = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

async function readChunk({ kind, data }: Chunk, texts: Texts): Promise<void> {
  const zero = data.indexOf(0);
  if (zero < 0) return;
  const key = latin1(data.subarray(0, zero));
  if (kind === "tEXt") texts.set(key, latin1(data.subarray(zero + 1)));
  if (kind === "zTXt") texts.set(key, latin1(await inflate(data.subarray(zero + 2))));
  if (kind === "iTXt") {
    const compressed = data[zero + 1] === 1;
    const language = data.indexOf(0, zero + 3);
    const translated = data.indexOf(0, language + 1);
    const rest = data.subarray(translated + 1);
    texts.set(key, utf8(compressed ? await inflate(rest) : rest));
  }
}

/** ComfyUI's WebP has EXIF strings "prompt:{…}" and "workflow:{…}", each ended by a zero. */
function readWebp(bytes: Uint8Array): Texts {
  const texts: Texts = new Map();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    if (latin1(bytes.subarray(at, at + 4)) === "EXIF") {
      for (const part of utf8(bytes.subarray(at + 8, at + 8 + length)).split("\0")) {
        const found = /(prompt|workflow):(\{[\s\S]*)$/.exec(part);
        if (found) texts.set(found[1]!, found[2]!);
      }
    }
    at += 8 + length + (length & 1);
  }
  return texts;
}

export async function readTexts(bytes: Uint8Array): Promise<Texts> {
  if (latin1(bytes.subarray(0, 4)) === "RIFF" && latin1(bytes.subarray(8, 12)) === "WEBP") return readWebp(bytes);
  const texts: Texts = new Map();
  if (!isPng(bytes)) return texts;
  for (const chunk of chunksOf(bytes)) if (TELLING.has(chunk.kind)) await readChunk(chunk, texts);
  return texts;
}

/** The same image, pixel for pixel, without a word about how it was made. */
export function withoutTexts(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const kept = [bytes.subarray(0, 8)];
  for (const chunk of chunksOf(bytes)) if (!TELLING.has(chunk.kind)) kept.push(bytes.subarray(chunk.start, chunk.end));
  return join(kept);
}

export function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
