/** A job that waits: dragged, moved by keys, held, cancelled. */
import { useState } from "react";
import { Button } from "../../design/button.tsx";
import type { Job } from "../../service/jobs.ts";
import { hold, moveBefore, moveTo, queueFacts, release } from "../../service/queue.ts";
import { cancel } from "../../service/submit.ts";
import { useStore } from "../../state/store.ts";
import { guarded } from "../../state/toasts.ts";
import { PlannedMemory } from "./job_memory.tsx";
import { jobTitle } from "./job_title.ts";

const JOB = "text/obscura-job";

export function WaitingJob({ job, place, waiting }: { job: Job; place: number; waiting: readonly Job[] }) {
  const held = useStore(queueFacts, (state) => state.jobs.get(job.id)?.held ?? false);
  const [over, setOver] = useState<"before" | "after">();
  const up = () => place > 0 && void guarded(() => moveBefore(job.id, waiting[place - 1]!.id));
  const down = () => {
    const behind = waiting[place + 2];
    if (place < waiting.length - 1) void guarded(() => behind ? moveBefore(job.id, behind.id) : moveTo(job.id, "back"));
  };
  const half = (event: React.DragEvent): "before" | "after" => {
    const { top, height } = event.currentTarget.getBoundingClientRect();
    return event.clientY < top + height / 2 ? "before" : "after";
  };
  const drop = (event: React.DragEvent) => {
    setOver(undefined);
    const moved = event.dataTransfer.getData(JOB);
    if (!moved) return;
    event.preventDefault();
    const next = half(event) === "before" ? job : waiting[place + 1];
    if (moved === job.id || moved === next?.id) return;
    void guarded(() => next ? moveBefore(moved, next.id) : moveTo(moved, "back"));
  };
  return (
    <li
      className={`card job ${over ? `over ${over}` : ""} ${held ? "held" : ""}`}
      draggable
      onDragStart={(event) => event.dataTransfer.setData(JOB, job.id)}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes(JOB)) return;
        event.preventDefault();
        setOver(half(event));
      }}
      onDragLeave={() => setOver(undefined)}
      onDrop={drop}
    >
      <button
        type="button"
        className="job-place faint"
        aria-label={`Place ${place + 1} of ${waiting.length}: up and down move it`}
        title="Drag, or the arrow keys"
        onKeyDown={(event) => {
          if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
          event.preventDefault();
          if (event.key === "ArrowUp") up();
          else down();
        }}
      >
        {place + 1}
      </button>
      <span className="clip grow" title={jobTitle(job)}>{jobTitle(job)}</span>
      <PlannedMemory job={job.id} />
      {held && <span className="chip">held</span>}
      <Button icon="up" label="Earlier" bare small kind="quiet" disabled={place === 0} onClick={up} />
      <Button icon="down" label="Later" bare small kind="quiet" disabled={place === waiting.length - 1} onClick={down} />
      <Button icon={held ? "play" : "pause"} label={held ? "Release" : "Hold"} bare small kind="quiet" onClick={() => void guarded(() => held ? release(job.id) : hold(job.id))} />
      <Button icon="close" label="Cancel" bare small kind="quiet" onClick={() => void guarded(() => cancel([job.id]))} />
    </li>
  );
}
