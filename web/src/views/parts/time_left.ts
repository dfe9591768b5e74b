import type { Running } from "../../service/running.ts";

/** From the pace so far of the node at work; none before there is one. */
export function secondsLeft(running: Running, now = Date.now()): number | undefined {
  const at = running.node === undefined ? undefined : running.nodes[running.node];
  if (!at || at.value < 1 || at.max <= 1) return undefined;
  return ((now - running.since) / at.value) * (at.max - at.value) / 1000;
}

export function timeLeft(running: Running): string | undefined {
  const seconds = secondsLeft(running);
  if (seconds === undefined) return undefined;
  return seconds < 1 ? "less than a second" : duration(seconds);
}

export function duration(seconds: number): string {
  if (seconds < 0.05) return "at once";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

/** "just now", "5 min ago", or the date. */
export function ago(time: number, now = Date.now()): string {
  const seconds = (now - time) / 1000;
  if (seconds < 45) return "just now";
  return seconds < 86400 ? `${duration(seconds)} ago` : new Date(time).toLocaleDateString();
}
