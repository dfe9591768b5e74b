import { useEffect, useState } from "react";
import { drops } from "../state/drops.ts";
import { show } from "../state/routes.ts";
import { useStore } from "../state/store.ts";
import { openFile } from "../workspace/open_file.ts";

/** A file dropped anywhere that nothing else took is a workflow to open. */
export function DropTarget() {
  const [over, setOver] = useState(false);
  const hint = useStore(drops, (state) => state.hint);
  useEffect(() => {
    let depth = 0;
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const enter = (event: DragEvent) => {
      if (hasFiles(event)) setOver(++depth > 0);
    };
    const leave = (event: DragEvent) => {
      if (hasFiles(event)) setOver(--depth > 0);
    };
    const drag = (event: DragEvent) => {
      if (hasFiles(event)) event.preventDefault();
    };
    const end = () => {
      depth = 0;
      setOver(false);
    };
    const drop = async (event: DragEvent) => {
      const file = event.dataTransfer?.files[0];
      if (event.defaultPrevented || !file) return;
      event.preventDefault();
      if (drops.get().take?.([...(event.dataTransfer?.files ?? [])])) return;
      if (await openFile(file)) show("graph");
    };
    addEventListener("dragenter", enter);
    addEventListener("dragleave", leave);
    addEventListener("dragover", drag);
    addEventListener("drop", end, true);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragenter", enter);
      removeEventListener("dragleave", leave);
      removeEventListener("dragover", drag);
      removeEventListener("drop", end, true);
      removeEventListener("drop", drop);
    };
  }, []);
  return over ? <div className="drop-over">{hint ?? "Drop to open the graph inside"}</div> : null;
}
