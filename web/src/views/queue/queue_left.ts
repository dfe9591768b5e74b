import type { Job } from "../../service/jobs.ts";
import type { Running } from "../../service/running.ts";
import { secondsLeft } from "../parts/time_left.ts";

/** Seconds until the queue is empty, by how long the last jobs took; none where there is nothing to go by. */
export function queueLeft(waiting: readonly Job[], finished: readonly Job[], running: Running | undefined): number | undefined {
  const times = finished.filter(({ state }) => state === "done").slice(0, 9).flatMap(({ started, ended }) => (started && ended ? [(ended - started) / 1000] : []));
  if (waiting.length === 0 || times.length === 0) return undefined;
  const usual = times.sort((a, b) => a - b)[times.length >> 1]!;
  return ((running && secondsLeft(running)) ?? 0) + usual * waiting.length;
}
