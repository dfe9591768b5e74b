/** A brush over an image: what is painted changes, the rest stays. */
import { useEffect, useRef, useState } from "react";
import { quick } from "../../workspace/quick_form.ts";
import { isTyping } from "../parts/typing.ts";
import { useKeyDown } from "../parts/use_key_down.ts";
import { type Brush, type Dot, useMaskCanvas, whiteOnBlack } from "./mask_canvas.ts";
import { MaskTools } from "./mask_tools.tsx";

interface MaskEditorProps {
  /** Address of the image. */
  image: string;
  width: number;
  height: number;
}

/** [ and ] change the brush, E turns it around, Ctrl Z takes a stroke back. */
function useBrushKeys(largest: number, setBrush: React.Dispatch<React.SetStateAction<Brush>>, undo: () => void): void {
  useKeyDown((event) => {
    if (isTyping(event.target)) return;
    if (event.key === "[") setBrush((now) => ({ ...now, size: Math.max(4, Math.round(now.size * 0.8)) }));
    else if (event.key === "]") setBrush((now) => ({ ...now, size: Math.min(largest, Math.round(now.size * 1.25)) }));
    else if (event.key === "e") setBrush((now) => ({ ...now, erasing: !now.erasing }));
    else if (event.key === "z" && (event.ctrlKey || event.metaKey)) undo();
    else return;
    event.preventDefault();
  });
}

export function MaskEditor({ image, width, height }: MaskEditorProps) {
  const largest = Math.max(width, height);
  const canvas = useRef<HTMLCanvasElement>(null);
  const ring = useRef<HTMLDivElement>(null);
  const [brush, setBrush] = useState<Brush>({ size: Math.round(largest / 8), erasing: false });
  const mask = useMaskCanvas(canvas);
  useBrushKeys(largest, setBrush, mask.undo);
  useEffect(() => {
    quick.set({ takeMask: async () => (canvas.current ? whiteOnBlack(canvas.current) : undefined) });
    return () => quick.set({ takeMask: undefined });
  }, []);
  /** Where the pointer is on the image; the ring goes along. */
  const place = (event: React.PointerEvent): Dot => {
    const area = canvas.current!.getBoundingClientRect();
    const scale = width / area.width;
    const radius = brush.size / scale / 2;
    const shown = ring.current!;
    shown.style.width = shown.style.height = `${2 * radius}px`;
    shown.style.transform = `translate(${event.clientX - area.x - radius}px, ${event.clientY - area.y - radius}px)`;
    return { x: (event.clientX - area.x) * scale, y: (event.clientY - area.y) * scale };
  };
  return (
    <div className="mask">
      <div className="mask-image">
        <img src={image} alt="To inpaint" draggable={false} />
        <canvas
          ref={canvas}
          width={width}
          height={height}
          aria-label="Mask: paint what is to change"
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            mask.begin(place(event), brush);
          }}
          onPointerMove={(event) => {
            const to = place(event);
            if (event.buttons & 1) mask.draw(to, brush);
          }}
        />
        <div className="mask-ring" ref={ring} />
      </div>
      <MaskTools brush={brush} mask={mask} largest={largest} onBrush={(change) => setBrush((now) => ({ ...now, ...change }))} />
    </div>
  );
}
