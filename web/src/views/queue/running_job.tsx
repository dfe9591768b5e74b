import { Button } from "../../design/button.tsx";
import { Icon } from "../../design/icons.tsx";
import type { Job } from "../../service/jobs.ts";
import { studio } from "../../service/studio.ts";
import { interrupt } from "../../service/submit.ts";
import { useStore } from "../../state/store.ts";
import { guarded } from "../../state/toasts.ts";
import { timeLeft } from "../parts/time_left.ts";
import { MemoryPlanBar } from "./job_memory.tsx";
import { jobTitle } from "./job_title.ts";

export function RunningJob({ job }: { job: Job }) {
  const running = useStore(studio, (state) => (state.running?.job === job.id ? state.running : undefined));
  const at = running?.node === undefined ? undefined : running.nodes[running.node];
  const left = running && timeLeft(running);
  const node = running?.node === undefined ? undefined : job.prompt[running.node];
  return (
    <article className="card job-running" aria-label="Running">
      {running?.preview ? <img src={running.preview} alt="Preview" /> : <span className="job-blank"><Icon name="aperture" /></span>}
      <div className="stack grow">
        <h2 className="clip" title={jobTitle(job)}>{jobTitle(job)}</h2>
        <div className="bar" role="progressbar" aria-label="Progress" aria-valuenow={at?.value ?? 0} aria-valuemax={at?.max ?? 1}>
          <span style={{ transform: `scaleX(${at && at.max > 0 ? at.value / at.max : 0})` }} />
        </div>
        <span className="soft">
          {node ? node.class_type : "Getting ready"}
          {at && at.max > 1 ? ` · ${at.value} of ${at.max}` : ""}
          {left ? ` · ${left} left` : ""}
        </span>
        <MemoryPlanBar job={job.id} />
      </div>
      <Button icon="stop" label="Interrupt" small onClick={() => void guarded(() => interrupt(job.id))} />
    </article>
  );
}
