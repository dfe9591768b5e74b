/** What runs and what waits, in its order, and what the machine has. */
import { Button } from "../../design/button.tsx";
import { Empty } from "../../design/empty.tsx";
import { loadQueueFacts, pauseQueue, queueFacts } from "../../service/queue.ts";
import { studio } from "../../service/studio.ts";
import { cancel } from "../../service/submit.ts";
import { show } from "../../state/routes.ts";
import { useStore } from "../../state/store.ts";
import { guarded } from "../../state/toasts.ts";
import { ProjectSelect } from "../parts/project_select.tsx";
import { duration } from "../parts/time_left.ts";
import { useWhenever } from "../parts/use_whenever.ts";
import { FinishedJob } from "./finished_job.tsx";
import { MachineMemory } from "./machine_memory.tsx";
import { queueLeft } from "./queue_left.ts";
import { RunningJob } from "./running_job.tsx";
import { WaitingJob } from "./waiting_job.tsx";

export function QueueView() {
  const queue = useStore(studio, (state) => state.queue);
  const finished = useStore(studio, (state) => state.finished);
  const now = useStore(studio, (state) => state.running);
  const paused = useStore(queueFacts, (state) => state.paused);
  useWhenever([queue], loadQueueFacts);
  const running = queue.filter((job) => job.state === "running");
  const waiting = queue.filter((job) => job.state === "pending");
  const left = queueLeft(waiting, finished, now);
  return (
    <div className="page">
      <div className="page-head">
        <h1>Queue</h1>
        <ProjectSelect />
        <span className="faint">
          {queue.length === 0 ? "Nothing runs" : `${running.length} running, ${waiting.length} waiting`}
          {left === undefined ? "" : ` · about ${duration(left)} left`}
        </span>
        <span className="grow" />
        <Button icon={paused ? "play" : "pause"} label={paused ? "Resume" : "Pause"} small pressed={paused} onClick={() => void guarded(() => pauseQueue(!paused))} />
        <Button icon="close" label="Clear queue" small disabled={waiting.length === 0} onClick={() => void guarded(() => cancel(waiting.map((job) => job.id)))} />
      </div>
      <div className="page-body" tabIndex={0} role="region" aria-label="Jobs">
        <div className="narrow">
        <MachineMemory />
        {running.map((job) => (
          <RunningJob key={job.id} job={job} />
        ))}
        {waiting.length > 0 && (
          <>
            <h2>Next</h2>
            <ol className="jobs">
              {waiting.map((job, place) => (
                <WaitingJob key={job.id} job={job} place={place} waiting={waiting} />
              ))}
            </ol>
          </>
        )}
        {finished.length > 0 && (
          <>
            <h2>Finished</h2>
            <ol className="jobs">
              {finished.slice(0, 50).map((job) => (
                <FinishedJob key={job.id} job={job} />
              ))}
            </ol>
          </>
        )}
        {queue.length === 0 && finished.length === 0 && (
          <Empty icon="queue" title="The queue is empty">
            <p>Jobs run one after another, and survive the program being ended.</p>
            <Button icon="create" label="Make an image" kind="primary" onClick={() => show("create")} />
          </Empty>
        )}
        </div>
      </div>
    </div>
  );
}
