import { imageUrl } from "../../service/images.ts";
import type { Job } from "../../service/jobs.ts";
import { ago, duration } from "../parts/time_left.ts";
import { HeldMemory } from "./job_memory.tsx";
import { jobTitle } from "./job_title.ts";

const STATE_NAMES = { pending: "waiting", running: "running", done: "done", failed: "failed", cancelled: "cancelled" };

export function FinishedJob({ job }: { job: Job }) {
  const image = Object.values(job.outputs)[0]?.[0];
  return (
    <li className="card job">
      {image ? <img className="job-thumb" src={imageUrl(image)} alt="" loading="lazy" /> : <span className="job-thumb" />}
      <div className="grow stack tight">
        <span className="clip" title={jobTitle(job)}>{jobTitle(job)}</span>
        {job.error && <span className="job-error" title={job.error.message}>{job.error.message}</span>}
      </div>
      <HeldMemory job={job.id} />
      <span className={`chip ${job.state}`}>{STATE_NAMES[job.state]}</span>
      <span className="faint job-time">
        {job.started && job.ended ? duration((job.ended - job.started) / 1000) : ""}
      </span>
      <span className="faint job-when">{job.ended ? ago(job.ended) : ""}</span>
    </li>
  );
}
