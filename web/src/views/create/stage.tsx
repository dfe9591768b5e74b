/** The picture at hand: the one being made, or the newest, or the one chosen from the strip. */
import { useEffect, useMemo } from "react";
import { useStore } from "../../app/store.ts";
import { Button } from "../../design/fields.tsx";
import { Icon } from "../../design/icons.tsx";
import type { QuickForm } from "../../forms/quick.ts";
import { pictureUrl } from "../../service/jobs.ts";
import { resultsOf, type Result } from "../../service/results.ts";
import { cancel, interrupt, studio, type Running } from "../../service/studio.ts";
import { FirstMinutes } from "../first_minutes.tsx";
import { inspectPicture } from "../graph/inspect.ts";
import { ResultActions } from "../gallery/result_actions.tsx";
import { timeLeft } from "../time_left.ts";
import { quick } from "./form_state.ts";
import { MaskEditor } from "./mask_editor.tsx";
import { inputPicture } from "./quick_form.tsx";

const STRIP = 40;

function RunningPicture({ running }: { running: Running }) {
  const at = running.node === undefined ? undefined : running.nodes[running.node];
  const share = at && at.max > 0 ? at.value / at.max : 0;
  const left = timeLeft(running);
  return (
    <div className="stage-running">
      {running.preview ? (
        <img className="stage-picture" src={running.preview} alt="The picture so far" />
      ) : (
        <div className="stage-blank">
          <Icon name="aperture" />
        </div>
      )}
      <div className="stage-progress">
        <div className="bar" role="progressbar" aria-label="Progress of the render" aria-valuenow={at?.value ?? 0} aria-valuemax={at?.max ?? 1}>
          <span style={{ transform: `scaleX(${share})` }} />
        </div>
        <span className="soft">
          {at && at.max > 1 ? `Step ${at.value} of ${at.max}` : "Getting ready"}
          {left ? ` · ${left} left` : ""}
        </span>
        <Button icon="stop" label="Stop" small onClick={() => void interrupt(running.job)} />
      </div>
    </div>
  );
}

function Strip({ results, shown }: { results: readonly Result[]; shown: Result | undefined }) {
  return (
    <div className="strip" role="listbox" aria-label="Recent pictures" aria-orientation="horizontal">
      {results.map((result) => (
        <button
          key={result.key}
          type="button"
          role="option"
          aria-selected={result === shown}
          aria-label={result.facts.prompt || result.picture.filename}
          title={result.facts.prompt}
          onClick={() => quick.set({ chosen: result.key })}
        >
          <img src={pictureUrl(result.picture)} alt="" loading="lazy" draggable={false} />
        </button>
      ))}
    </div>
  );
}

function Waiting({ jobs }: { jobs: readonly string[] }) {
  return (
    <div className="stage-blank waiting-turn">
      <Icon name="queue" />
      <p className="soft">{jobs.length === 1 ? "One job waits its turn." : `${jobs.length} jobs wait their turn.`}</p>
      <Button label="Cancel" small onClick={() => void cancel(jobs)} />
    </div>
  );
}

export function Stage({ form }: { form: QuickForm }) {
  const finished = useStore(studio, (state) => state.finished);
  const loaded = useStore(studio, (state) => state.historyLoaded);
  const running = useStore(studio, (state) => state.running);
  const queue = useStore(studio, (state) => state.queue);
  const { painting, chosen, jobs } = useStore(quick, (state) => state);
  const results = useMemo(() => resultsOf(finished).slice(0, STRIP), [finished]);
  const shown = results.find((result) => result.key === chosen) ?? results[0];
  const failed = finished[0]?.state === "failed" && jobs.at(-1) === finished[0].id ? finished[0] : undefined;
  const waiting = queue.filter((job) => job.state === "pending").map((job) => job.id);

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
      const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      if (step === 0 || !shown) return;
      const next = results[results.indexOf(shown) + step];
      if (next) quick.set({ chosen: next.key });
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [results, shown]);

  const middle = () => {
    if (running && (!chosen || jobs.includes(running.job))) return <RunningPicture running={running} />;
    if (painting && form.start) {
      return <MaskEditor key={form.start.image} picture={pictureUrl(inputPicture(form.start.image))} width={form.start.width} height={form.start.height} />;
    }
    if (waiting.length > 0 && !chosen) return <Waiting jobs={waiting} />;
    if (shown) {
      return (
        <button type="button" className="stage-look" aria-label="Look at it in full" onClick={() => inspectPicture(shown.picture)}>
          <img className="stage-picture" src={pictureUrl(shown.picture)} alt={shown.facts.prompt} draggable={false} />
        </button>
      );
    }
    return loaded ? <FirstMinutes /> : null;
  };
  const idle = !running && !painting && shown;
  return (
    <section className="stage" aria-label="Pictures">
      {failed && (
        <div className="notice stage-failed" role="alert">
          <Icon name="alert" />
          <span>{failed.error?.message}</span>
        </div>
      )}
      <div className="stage-middle">{middle()}</div>
      {idle && (
        <div className="stage-foot">
          <span className="soft clip" title={shown.facts.prompt}>
            {shown.facts.prompt || shown.picture.filename}
          </span>
          <ResultActions result={shown} />
        </div>
      )}
      {results.length > 0 && <Strip results={results} shown={shown} />}
    </section>
  );
}
