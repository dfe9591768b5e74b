/** The memory of a job: planned, and held at most. */
import { queueFacts } from "../../service/queue.ts";
import { useStore } from "../../state/store.ts";
import { sizeText } from "../parts/sizes.ts";

/** Memory that a job is to take, known before it runs. */
export function PlannedMemory({ job }: { job: string }) {
  const facts = useStore(queueFacts, (state) => state.jobs.get(job));
  if (!facts?.planned_bytes) return null;
  const budget = facts.budget_bytes > 0 ? ` of the ${sizeText(facts.budget_bytes)} that it may take` : "";
  return (
    <span className="faint job-memory" title={`Planned memory: ${sizeText(facts.planned_bytes)}${budget}`}>
      {sizeText(facts.planned_bytes)}
    </span>
  );
}

/** The same as a bar under the budget. */
export function MemoryPlanBar({ job }: { job: string }) {
  const facts = useStore(queueFacts, (state) => state.jobs.get(job));
  if (!facts?.planned_bytes || !facts.budget_bytes) return null;
  return (
    <div className="memory-plan">
      <span className="soft">
        Memory planned: {sizeText(facts.planned_bytes)} <span className="faint">of {sizeText(facts.budget_bytes)}</span>
      </span>
      <div className="bar">
        <span style={{ transform: `scaleX(${Math.min(1, facts.planned_bytes / facts.budget_bytes)})` }} />
      </div>
    </div>
  );
}

export function HeldMemory({ job }: { job: string }) {
  const facts = useStore(queueFacts, (state) => state.jobs.get(job));
  if (!facts?.peak_bytes) return null;
  const planned = facts.planned_bytes ? `, ${sizeText(facts.planned_bytes)} planned` : "";
  return (
    <span className="faint job-memory" title={`Memory held at most: ${sizeText(facts.peak_bytes)}${planned}`}>
      {sizeText(facts.peak_bytes)}
    </span>
  );
}
