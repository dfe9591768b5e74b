import { Button } from "../../design/button.tsx";
import type { Brush, MaskCanvas } from "./mask_canvas.ts";

interface MaskToolsProps {
  brush: Brush;
  mask: MaskCanvas;
  /** Of the brush, in pixels of the image. */
  largest: number;
  onBrush: (change: Partial<Brush>) => void;
}

export function MaskTools({ brush, mask, largest, onBrush }: MaskToolsProps) {
  return (
    <div className="mask-tools" role="toolbar" aria-label="Brush">
      <Button icon="brush" label="Paint" small pressed={!brush.erasing} onClick={() => onBrush({ erasing: false })} />
      <Button icon="eraser" label="Erase" small pressed={brush.erasing} hint="E" onClick={() => onBrush({ erasing: true })} />
      <label className="row brush-size" title="[ and ]">
        <span className="soft">Brush</span>
        <input type="range" min={4} max={largest} value={brush.size} onChange={(event) => onBrush({ size: Number(event.target.value) })} />
      </label>
      <Button icon="undo" label="Undo stroke" bare small kind="quiet" onClick={mask.undo} />
      <Button label="Invert" small kind="quiet" onClick={mask.invert} />
      <Button label="Clear" small kind="quiet" onClick={mask.clear} />
    </div>
  );
}
