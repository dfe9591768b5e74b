import { factsOf } from "../../service/facts.ts";
import type { Job } from "../../service/jobs.ts";
import { countText } from "../parts/counts.ts";

export function jobTitle(job: Job): string {
  return factsOf(job.prompt).prompt || countText(Object.keys(job.prompt).length, "node");
}
