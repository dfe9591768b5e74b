/** The grid as one image, with its labels. */
import { AXIS_NAMES } from "../../forms/axes.ts";
import { type ImageFile, imageUrl } from "../../service/images.ts";
import type { SentGrid } from "../../workspace/grid.ts";

const GAP = 6;
const LABEL = 34;

function load(file: ImageFile): Promise<HTMLImageElement> {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Error(`${file.filename} cannot be read.`));
    image.src = imageUrl(file);
  });
}

const label = (sent: SentGrid, axis: "x" | "y" | "z", at: number): string => {
  const { kind } = sent.axes[axis];
  return kind === "none" ? "" : `${AXIS_NAMES[kind]}: ${sent.labels[axis][at]}`;
};

export async function drawGrid(sent: SentGrid, images: ReadonlyMap<string, ImageFile>): Promise<Blob> {
  const loaded = new Map<string, HTMLImageElement>();
  for (const { job } of sent.cells) {
    const image = images.get(job);
    if (image) loaded.set(job, await load(image));
  }
  const sides = [...loaded.values()];
  const width = Math.max(64, ...sides.map((image) => image.naturalWidth));
  const height = Math.max(64, ...sides.map((image) => image.naturalHeight));
  const { x, y, z } = sent.labels;
  const left = sent.axes.y.kind === "none" ? 0 : Math.min(260, Math.max(90, width * 0.7));
  const block = LABEL * 2 + y.length * (height + GAP);
  const canvas = new OffscreenCanvas(left + x.length * (width + GAP) + GAP, z.length * block + GAP);
  const draw = canvas.getContext("2d");
  if (!draw) throw new Error("This browser cannot draw the grid.");
  draw.fillStyle = "#fbfaf8";
  draw.fillRect(0, 0, canvas.width, canvas.height);
  draw.fillStyle = "#1d1c1a";
  draw.textBaseline = "middle";
  draw.font = "600 15px system-ui, sans-serif";
  const text = (words: string, atX: number, atY: number, room: number) => {
    let cut = words;
    while (cut.length > 1 && draw.measureText(cut).width > room) cut = `${cut.slice(0, -2)}…`;
    draw.fillText(cut, atX, atY);
  };
  for (const [zAt] of z.entries()) {
    const top = zAt * block;
    text(label(sent, "z", zAt), GAP, top + LABEL / 2, canvas.width - GAP);
    for (const [xAt] of x.entries()) text(label(sent, "x", xAt), left + xAt * (width + GAP) + GAP, top + LABEL * 1.5, width);
    for (const [yAt] of y.entries()) {
      if (left) text(label(sent, "y", yAt), GAP, top + LABEL * 2 + yAt * (height + GAP) + height / 2, left - GAP);
    }
  }
  for (const cell of sent.cells) {
    const image = loaded.get(cell.job);
    if (image) draw.drawImage(image, left + GAP + cell.x * (width + GAP), cell.z * block + LABEL * 2 + cell.y * (height + GAP));
  }
  return canvas.convertToBlob({ type: "image/png" });
}
