/** A brush over a picture: what is painted changes, the rest stays. */
import { useCallback, useEffect, useRef, useState } from "react";
import { Button } from "../../design/fields.tsx";
import { quick } from "./form_state.ts";

interface MaskEditorProps {
  /** Address of the picture. */
  picture: string;
  width: number;
  height: number;
}

const TINT = "#f08a24";

/** Painted pixels white on black, as LoadImageMask's red channel reads them. */
async function whiteOnBlack(canvas: HTMLCanvasElement): Promise<Blob | undefined> {
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

export function MaskEditor({ picture, width, height }: MaskEditorProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const ring = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState(() => Math.round(Math.max(width, height) / 8));
  const [erasing, setErasing] = useState(false);
  const strokes = useRef<ImageData[]>([]);
  const last = useRef<{ x: number; y: number } | undefined>(undefined);

  useEffect(() => {
    quick.set({ takeMask: async () => (canvas.current ? whiteOnBlack(canvas.current) : undefined) });
    return () => quick.set({ takeMask: undefined });
  }, []);

  const context = () => canvas.current!.getContext("2d", { willReadFrequently: true })!;
  const keep = () => {
    strokes.current.push(context().getImageData(0, 0, width, height));
    if (strokes.current.length > 30) strokes.current.shift();
  };
  const undo = useCallback(() => {
    const before = strokes.current.pop();
    if (before) context().putImageData(before, 0, 0);
  }, []);
  const clear = () => {
    keep();
    context().clearRect(0, 0, width, height);
  };
  const invert = () => {
    keep();
    const brush = context();
    brush.globalCompositeOperation = "xor";
    brush.fillStyle = TINT;
    brush.fillRect(0, 0, width, height);
    brush.globalCompositeOperation = "source-over";
  };

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
      if (event.key === "[") setSize((now) => Math.max(4, Math.round(now * 0.8)));
      else if (event.key === "]") setSize((now) => Math.min(Math.max(width, height), Math.round(now * 1.25)));
      else if (event.key === "e") setErasing((now) => !now);
      else if (event.key === "z" && (event.ctrlKey || event.metaKey)) undo();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [width, height, undo]);

  const place = (event: React.PointerEvent) => {
    const area = canvas.current!.getBoundingClientRect();
    const scale = width / area.width;
    const shown = ring.current!;
    shown.style.width = shown.style.height = `${size / scale}px`;
    shown.style.transform = `translate(${event.clientX - area.x - size / scale / 2}px, ${event.clientY - area.y - size / scale / 2}px)`;
    return { x: (event.clientX - area.x) * scale, y: (event.clientY - area.y) * scale };
  };
  const draw = (to: { x: number; y: number }) => {
    const brush = context();
    const from = last.current ?? to;
    brush.globalCompositeOperation = erasing ? "destination-out" : "source-over";
    brush.strokeStyle = TINT;
    brush.lineCap = brush.lineJoin = "round";
    brush.lineWidth = size;
    brush.beginPath();
    brush.moveTo(from.x, from.y);
    brush.lineTo(to.x + 0.01, to.y);
    brush.stroke();
    brush.globalCompositeOperation = "source-over";
    last.current = to;
  };

  return (
    <div className="mask">
      <div className="mask-picture">
        <img src={picture} alt="The picture to change" draggable={false} />
        <canvas
          ref={canvas}
          width={width}
          height={height}
          aria-label="Mask: paint over what is to change"
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            keep();
            last.current = undefined;
            draw(place(event));
          }}
          onPointerMove={(event) => {
            const to = place(event);
            if (event.buttons & 1) draw(to);
          }}
        />
        <div className="mask-ring" ref={ring} />
      </div>
      <div className="mask-tools" role="toolbar" aria-label="Brush">
        <Button icon="brush" label="Paint" small pressed={!erasing} onClick={() => setErasing(false)} />
        <Button icon="eraser" label="Erase" small pressed={erasing} hint="E" onClick={() => setErasing(true)} />
        <label className="row brush-size" title="[ and ]">
          <span className="soft">Brush</span>
          <input type="range" min={4} max={Math.max(width, height)} value={size} onChange={(event) => setSize(Number(event.target.value))} />
        </label>
        <Button icon="undo" label="Undo the stroke" bare small kind="quiet" onClick={undo} />
        <Button label="Invert" small kind="quiet" onClick={invert} />
        <Button label="Clear" small kind="quiet" onClick={clear} />
      </div>
    </div>
  );
}
