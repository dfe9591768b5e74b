import { useMemo } from "react";
import { Empty } from "../../design/empty.tsx";
import { Icon } from "../../design/icons.tsx";
import { Notice } from "../../design/notice.tsx";
import { imageUrl } from "../../service/images.ts";
import { resultsOf } from "../../service/results.ts";
import { studio } from "../../service/studio.ts";
import { useStore } from "../../state/store.ts";
import { workspace } from "../../workspace/graph.ts";
import { inspectImage } from "../../workspace/inspected.ts";
import { ResultActions } from "../parts/result_actions.tsx";
import { timeLeft } from "../parts/time_left.ts";

export function Outcome() {
  const jobs = useStore(workspace, (state) => state.jobs);
  const finished = useStore(studio, (state) => state.finished);
  const running = useStore(studio, (state) => (state.running && jobs.includes(state.running.job) ? state.running : undefined));
  const results = useMemo(() => resultsOf(finished.filter((job) => jobs.includes(job.id))), [finished, jobs]);
  const last = finished.find((job) => job.id === jobs.at(-1));
  if (running) {
    const left = timeLeft(running);
    return (
      <div className="stage-running">
        {running.preview ? <img className="stage-image" src={running.preview} alt="Preview" /> : <div className="stage-blank"><Icon name="aperture" /></div>}
        <span className="soft">{left ? `${left} left` : "Rendering…"}</span>
      </div>
    );
  }
  if (last?.error) return <Notice text={last.error.message} />;
  const [newest] = results;
  if (!newest) return <Empty icon="image" title="Nothing rendered yet"><p>Press Render, and the image appears here.</p></Empty>;
  return (
    <>
      <button type="button" className="stage-view" aria-label="View full size" onClick={() => inspectImage(newest.image)}>
        <img className="stage-image" src={imageUrl(newest.image)} alt={newest.facts.prompt} />
      </button>
      <div className="stage-foot"><ResultActions result={newest} /></div>
    </>
  );
}
