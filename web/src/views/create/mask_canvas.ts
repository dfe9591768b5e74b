/** A canvas that a mask is painted on, stroke by stroke; what is painted is opaque. */
import { type RefObject, useCallback, useMemo, useRef } from "react";

const TINT = "#f08a24";
const MOST_STROKES = 30;

export interface Dot {
  readonly x: number;
  readonly y: number;
}

export interface Brush {
  readonly size: number;
  readonly erasing: boolean;
}

/** Painted pixels white on black, as LoadImageMask's red channel reads them; none where nothing is painted. */
export async function whiteOnBlack(canvas: HTMLCanvasElement): Promise<Blob | undefined> {
  const { width, height } = canvas;
  const painted = canvas.getContext("2d")!.getImageData(0, 0, width, height);
  let any = false;
  for (let at = 0; at < painted.data.length; at += 4) {
    const on = painted.data[at + 3]! > 127 ? 255 : 0;
    any ||= on > 0;
    painted.data.set([on, on, on, 255], at);
  }
  if (!any) return undefined;
  const mask = new OffscreenCanvas(width, height);
  mask.getContext("2d")!.putImageData(painted, 0, 0);
  return mask.convertToBlob({ type: "image/png" });
}

function drawLine(draw: CanvasRenderingContext2D, from: Dot, to: Dot, { size, erasing }: Brush): void {
  draw.globalCompositeOperation = erasing ? "destination-out" : "source-over";
  draw.strokeStyle = TINT;
  draw.lineCap = draw.lineJoin = "round";
  draw.lineWidth = size;
  draw.beginPath();
  draw.moveTo(from.x, from.y);
  // A line of no length would leave no dot.
  draw.lineTo(to.x + 0.01, to.y);
  draw.stroke();
  draw.globalCompositeOperation = "source-over";
}

function invert(draw: CanvasRenderingContext2D): void {
  draw.globalCompositeOperation = "xor";
  draw.fillStyle = TINT;
  draw.fillRect(0, 0, draw.canvas.width, draw.canvas.height);
  draw.globalCompositeOperation = "source-over";
}

export interface MaskCanvas {
  begin(at: Dot, brush: Brush): void;
  draw(to: Dot, brush: Brush): void;
  undo(): void;
  invert(): void;
  clear(): void;
}

export function useMaskCanvas(canvas: RefObject<HTMLCanvasElement | null>): MaskCanvas {
  const strokes = useRef<ImageData[]>([]);
  const last = useRef<Dot>({ x: 0, y: 0 });
  const context = useCallback(() => canvas.current!.getContext("2d", { willReadFrequently: true })!, [canvas]);
  return useMemo(() => {
    const whole = () => [canvas.current!.width, canvas.current!.height] as const;
    const keep = () => {
      strokes.current.push(context().getImageData(0, 0, ...whole()));
      if (strokes.current.length > MOST_STROKES) strokes.current.shift();
    };
    const draw = (to: Dot, brush: Brush) => {
      drawLine(context(), last.current, to, brush);
      last.current = to;
    };
    return {
      begin(at, brush) {
        keep();
        last.current = at;
        draw(at, brush);
      },
      draw,
      undo() {
        const before = strokes.current.pop();
        if (before) context().putImageData(before, 0, 0);
      },
      invert() {
        keep();
        invert(context());
      },
      clear() {
        keep();
        context().clearRect(0, 0, ...whole());
      },
    };
  }, [canvas, context]);
}
