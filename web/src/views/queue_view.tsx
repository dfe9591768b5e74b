/** What runs and what waits, in its order, and what the machine has. */
import { useEffect, useState } from "react";
import { show } from "../app/routes.ts";
import { useStore } from "../app/store.ts";
import { toast } from "../app/toasts.ts";
import { Button, Empty } from "../design/fields.tsx";
import { Icon } from "../design/icons.tsx";
import { isObject, type Json } from "../document/exact_json.ts";
import { getJson } from "../service/http.ts";
import { pictureUrl, type Job } from "../service/jobs.ts";
import { hold, letRun, loadQueueFacts, moveBefore, moveTo, pauseQueue, queueFacts } from "../service/queue.ts";
import { factsOf } from "../service/results.ts";
import { cancel, interrupt, studio, type Running } from "../service/studio.ts";
import { bytesText } from "./bytes.ts";
import { ProjectSelect } from "./project_switch.tsx";
import { ago, duration, secondsLeft, timeLeft } from "./time_left.ts";

const guarded = (act: Promise<void>): void => void act.catch((error: Error) => toast(error.message, "bad"));

function title(job: Job): string {
  return factsOf(job.prompt).prompt || `${Object.keys(job.prompt).length} nodes`;
}

/** Memory that a job is to take, known before it runs. */
function Planned({ job }: { job: string }) {
  const facts = useStore(queueFacts, (state) => state.jobs.get(job));
  if (!facts?.planned_bytes) return null;
  const budget = facts.budget_bytes > 0 ? ` of the ${bytesText(facts.budget_bytes)} that it may take` : "";
  return (
    <span className="faint job-memory" title={`Planned memory: ${bytesText(facts.planned_bytes)}${budget}`}>
      {bytesText(facts.planned_bytes)}
    </span>
  );
}

/** The same as a bar under the budget. */
function MemoryPlan({ job }: { job: string }) {
  const facts = useStore(queueFacts, (state) => state.jobs.get(job));
  if (!facts?.planned_bytes || !facts.budget_bytes) return null;
  return (
    <div className="memory-plan">
      <span className="soft">
        Memory planned: {bytesText(facts.planned_bytes)} <span className="faint">of {bytesText(facts.budget_bytes)}</span>
      </span>
      <div className="bar">
        <span style={{ transform: `scaleX(${Math.min(1, facts.planned_bytes / facts.budget_bytes)})` }} />
      </div>
    </div>
  );
}

function Used({ job }: { job: string }) {
  const facts = useStore(queueFacts, (state) => state.jobs.get(job));
  if (!facts?.peak_bytes) return null;
  const planned = facts.planned_bytes ? `, ${bytesText(facts.planned_bytes)} planned` : "";
  return (
    <span className="faint job-memory" title={`Memory held at most: ${bytesText(facts.peak_bytes)}${planned}`}>
      {bytesText(facts.peak_bytes)}
    </span>
  );
}

function RunningJob({ job }: { job: Job }) {
  const running = useStore(studio, (state) => (state.running?.job === job.id ? state.running : undefined));
  const at = running?.node === undefined ? undefined : running.nodes[running.node];
  const left = running && timeLeft(running);
  const node = running?.node === undefined ? undefined : job.prompt[running.node];
  return (
    <article className="card job-running" aria-label="Running">
      {running?.preview ? <img src={running.preview} alt="The picture so far" /> : <span className="job-blank"><Icon name="aperture" /></span>}
      <div className="stack grow">
        <h2 className="clip" title={title(job)}>{title(job)}</h2>
        <div className="bar" role="progressbar" aria-label="Progress" aria-valuenow={at?.value ?? 0} aria-valuemax={at?.max ?? 1}>
          <span style={{ transform: `scaleX(${at && at.max > 0 ? at.value / at.max : 0})` }} />
        </div>
        <span className="soft">
          {node ? node.class_type : "Getting ready"}
          {at && at.max > 1 ? ` · ${at.value} of ${at.max}` : ""}
          {left ? ` · ${left} left` : ""}
        </span>
        <MemoryPlan job={job.id} />
      </div>
      <Button icon="stop" label="Stop" small onClick={() => guarded(interrupt(job.id))} />
    </article>
  );
}

const JOB = "text/obscura-job";

function WaitingJob({ job, place, waiting }: { job: Job; place: number; waiting: readonly Job[] }) {
  const held = useStore(queueFacts, (state) => state.jobs.get(job.id)?.held ?? false);
  const [over, setOver] = useState<"before" | "after">();
  const up = () => place > 0 && guarded(moveBefore(job.id, waiting[place - 1]!.id));
  const down = () => {
    const behind = waiting[place + 2];
    if (place < waiting.length - 1) guarded(behind ? moveBefore(job.id, behind.id) : moveTo(job.id, "back"));
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
    guarded(next ? moveBefore(moved, next.id) : moveTo(moved, "back"));
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
      <span className="clip grow" title={title(job)}>{title(job)}</span>
      <Planned job={job.id} />
      {held && <span className="chip">held</span>}
      <Button icon="up" label="Earlier" bare small kind="quiet" disabled={place === 0} onClick={up} />
      <Button icon="down" label="Later" bare small kind="quiet" disabled={place === waiting.length - 1} onClick={down} />
      <Button icon={held ? "play" : "pause"} label={held ? "Let it run" : "Hold"} bare small kind="quiet" onClick={() => guarded(held ? letRun(job.id) : hold(job.id))} />
      <Button icon="close" label="Cancel" bare small kind="quiet" onClick={() => guarded(cancel([job.id]))} />
    </li>
  );
}

const STATE_NAMES = { pending: "waits", running: "runs", done: "done", failed: "failed", cancelled: "stopped" };

function FinishedJob({ job }: { job: Job }) {
  const picture = Object.values(job.outputs)[0]?.[0];
  return (
    <li className="card job">
      {picture ? <img className="job-thumb" src={pictureUrl(picture)} alt="" loading="lazy" /> : <span className="job-thumb" />}
      <div className="grow stack tight">
        <span className="clip" title={title(job)}>{title(job)}</span>
        {job.error && <span className="job-error" title={job.error.message}>{job.error.message}</span>}
      </div>
      <Used job={job.id} />
      <span className={`chip ${job.state}`}>{STATE_NAMES[job.state]}</span>
      <span className="faint job-time">
        {job.started && job.ended ? duration((job.ended - job.started) / 1000) : ""}
      </span>
      <span className="faint job-when">{job.ended ? ago(job.ended) : ""}</span>
    </li>
  );
}

interface Device {
  readonly name: string;
  readonly total: number;
  readonly free: number;
}

function readDevices(stats: Json): Device[] {
  const list = isObject(stats) && Array.isArray(stats.devices) ? stats.devices.filter(isObject) : [];
  return list.map((device) => ({ name: String(device.name), total: Number(device.vram_total), free: Number(device.vram_free) }));
}

function Memory() {
  const [stats, setStats] = useState<Json>(null);
  useEffect(() => {
    const load = () => void getJson("/system_stats").then(setStats).catch(() => undefined);
    load();
    const timer = setInterval(load, 3000);
    return () => clearInterval(timer);
  }, []);
  const system = isObject(stats) && isObject(stats.system) ? stats.system : undefined;
  if (!system) return null;
  const meters: Device[] = [
    { name: "Memory of this machine", total: Number(system.ram_total), free: Number(system.ram_free) },
    ...readDevices(stats).filter((device) => !device.name.startsWith("cpu")),
  ];
  return (
    <section className="memory" aria-label="Memory">
      {meters.map((meter) => (
        <div className="card meter" key={meter.name}>
          <div className="row spread">
            <span className="soft clip" title={meter.name}>{meter.name}</span>
            <span>
              {bytesText(meter.total - meter.free)} <span className="faint">of {bytesText(meter.total)}</span>
            </span>
          </div>
          <div className="bar">
            <span style={{ transform: `scaleX(${meter.total > 0 ? 1 - meter.free / meter.total : 0})` }} />
          </div>
        </div>
      ))}
    </section>
  );
}

/** Seconds until the queue is empty, by how long the last jobs took; none where there is nothing to go by. */
function queueLeft(waiting: readonly Job[], finished: readonly Job[], running: Running | undefined): number | undefined {
  const times = finished.filter(({ state }) => state === "done").slice(0, 9).flatMap(({ started, ended }) => (started && ended ? [(ended - started) / 1000] : []));
  if (waiting.length === 0 || times.length === 0) return undefined;
  const usual = times.sort((a, b) => a - b)[times.length >> 1]!;
  return ((running && secondsLeft(running)) ?? 0) + usual * waiting.length;
}

export function QueueView() {
  const queue = useStore(studio, (state) => state.queue);
  const finished = useStore(studio, (state) => state.finished);
  const now = useStore(studio, (state) => state.running);
  const paused = useStore(queueFacts, (state) => state.paused);
  useEffect(() => void loadQueueFacts().catch(() => undefined), [queue]);
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
        <Button icon={paused ? "play" : "pause"} label={paused ? "Start again" : "Pause"} small pressed={paused} onClick={() => guarded(pauseQueue(!paused))} />
        <Button icon="close" label="Cancel all that wait" small disabled={waiting.length === 0} onClick={() => guarded(cancel(waiting.map((job) => job.id)))} />
      </div>
      <div className="page-body" tabIndex={0} role="region" aria-label="Jobs">
        <div className="narrow">
        <Memory />
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
            <Button icon="create" label="Make a picture" kind="primary" onClick={() => show("create")} />
          </Empty>
        )}
        </div>
      </div>
    </div>
  );
}
