/** The image at hand: the one being made, or the newest, or the one chosen from the strip. */
import { useMemo } from "react";
import { Button } from "../../design/button.tsx";
import { Icon } from "../../design/icons.tsx";
import { Notice } from "../../design/notice.tsx";
import type { QuickForm } from "../../forms/quick.ts";
import { imageUrl, inputImage } from "../../service/images.ts";
import { type Result, resultsOf } from "../../service/results.ts";
import { studio } from "../../service/studio.ts";
import { cancel } from "../../service/submit.ts";
import { useStore } from "../../state/store.ts";
import { inspectImage } from "../../workspace/inspected.ts";
import { quick } from "../../workspace/quick_form.ts";
import { ResultActions } from "../parts/result_actions.tsx";
import { isTyping } from "../parts/typing.ts";
import { useKeyDown } from "../parts/use_key_down.ts";
import { FirstMinutes } from "./first_minutes.tsx";
import { MaskEditor } from "./mask_editor.tsx";
import { RunningImage } from "./running_image.tsx";
import { Strip } from "./strip.tsx";

const STRIP = 40;

function Waiting({ jobs }: { jobs: readonly string[] }) {
  return (
    <div className="stage-blank waiting-turn">
      <Icon name="queue" />
      <p className="soft">{jobs.length === 1 ? "One job waits its turn." : `${jobs.length} jobs wait their turn.`}</p>
      <Button label="Cancel" small onClick={() => void cancel(jobs)} />
    </div>
  );
}

function Finished({ result }: { result: Result }) {
  return (
    <button type="button" className="stage-view" aria-label="View full size" onClick={() => inspectImage(result.image)}>
      <img className="stage-image" src={imageUrl(result.image)} alt={result.facts.prompt} draggable={false} />
    </button>
  );
}

function Foot({ result }: { result: Result }) {
  return (
    <div className="stage-foot">
      <span className="soft clip" title={result.facts.prompt}>
        {result.facts.prompt || result.image.filename}
      </span>
      <ResultActions result={result} />
    </div>
  );
}

/** What stands in the middle: the first of these that there is. */
function Middle({ form, shown }: { form: QuickForm; shown: Result | undefined }) {
  const { running, queue, historyLoaded } = useStore(studio, (state) => state);
  const { painting, chosen, jobs } = useStore(quick, (state) => state);
  const waiting = queue.filter((job) => job.state === "pending").map((job) => job.id);
  if (running && (!chosen || jobs.includes(running.job))) return <RunningImage running={running} />;
  if (painting && form.start) {
    return <MaskEditor key={form.start.image} image={imageUrl(inputImage(form.start.image))} width={form.start.width} height={form.start.height} />;
  }
  if (waiting.length > 0 && !chosen) return <Waiting jobs={waiting} />;
  if (shown) return <Finished result={shown} />;
  return historyLoaded ? <FirstMinutes /> : null;
}

export function Stage({ form }: { form: QuickForm }) {
  const { finished, running } = useStore(studio, (state) => state);
  const { painting, chosen, jobs } = useStore(quick, (state) => state);
  const results = useMemo(() => resultsOf(finished).slice(0, STRIP), [finished]);
  const shown = results.find((result) => result.key === chosen) ?? results[0];
  const [last] = finished;
  useKeyDown((event) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0 || !shown || isTyping(event.target)) return;
    const next = results[results.indexOf(shown) + step];
    if (next) quick.set({ chosen: next.key });
  });
  return (
    <section className="stage" aria-label="Images">
      {last?.state === "failed" && jobs.at(-1) === last.id && <Notice className="stage-failed" text={last.error?.message} />}
      <div className="stage-middle">
        <Middle form={form} shown={shown} />
      </div>
      {shown && !running && !painting && <Foot result={shown} />}
      {/* While a job runs the strip keeps its place, empty or not: what is above it must not move under the pointer. */}
      {(running || results.length > 0) && <Strip results={results} shown={shown} />}
    </section>
  );
}
