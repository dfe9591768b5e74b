/** Images as the server names them. */
import { isObject, type Json } from "../document/exact_json.ts";
import type { NodeId } from "../document/model.ts";
import { address } from "./http.ts";

export interface ImageFile {
  readonly filename: string;
  readonly subfolder: string;
  readonly type: string;
}

export function imageUrl(image: ImageFile, more: Record<string, string> = {}): string {
  return address("/view", { filename: image.filename, subfolder: image.subfolder, type: image.type, ...more });
}

export const imageKey = (image: ImageFile): string => `${image.type}/${image.subfolder}/${image.filename}`;

export const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);

export function readImages(value: Json | undefined): ImageFile[] {
  return list(isObject(value) ? value.images : undefined)
    .filter(isObject)
    .map((image) => ({
      filename: String(image.filename),
      subfolder: String(image.subfolder ?? ""),
      type: String(image.type ?? "output"),
    }));
}

export function readOutputs(value: Json | undefined): Record<NodeId, ImageFile[]> {
  const outputs: Record<NodeId, ImageFile[]> = {};
  for (const [node, ui] of Object.entries(isObject(value) ? value : {})) {
    const images = readImages(ui);
    if (images.length) outputs[node] = images;
  }
  return outputs;
}

export const inputImage = (name: string) => {
  const slash = name.lastIndexOf("/");
  return { filename: name.slice(slash + 1), subfolder: name.slice(0, Math.max(0, slash)), type: "input" };
};
