import { factsOf } from "../../service/facts.ts";
import type { Job } from "../../service/jobs.ts";

export function jobTitle(job: Job): string {
  return factsOf(job.prompt).prompt || `${Object.keys(job.prompt).length} nodes`;
}
