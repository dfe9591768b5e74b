/** One image in full, with what it says of itself. */
import { useMemo, useState } from "react";
import { Button } from "../../design/button.tsx";
import { Dialog } from "../../design/dialog.tsx";
import { Icon } from "../../design/icons.tsx";
import { imageKey, imageUrl } from "../../service/images.ts";
import { type Result, resultsOf } from "../../service/results.ts";
import { studio } from "../../service/studio.ts";
import { useStore } from "../../state/store.ts";
import { saveAsIs } from "../../workspace/image_files.ts";
import { inspected, inspectImage } from "../../workspace/inspected.ts";
import { ResultActions } from "../parts/result_actions.tsx";
import { Stars } from "../parts/stars.tsx";
import { useKeyDown } from "../parts/use_key_down.ts";
import { MetadataList } from "./metadata_list.tsx";
import { ResultFacts } from "./result_facts.tsx";

function Step({ to, label, icon }: { to: Result; label: string; icon: "left" | "right" }) {
  return (
    <button type="button" className={`viewer-step ${icon}`} aria-label={label} title={`${label} (arrow keys)`} onClick={() => inspectImage(to.image)}>
      <Icon name={icon} />
    </button>
  );
}

export function ImageViewer() {
  const image = useStore(inspected, (state) => state.image);
  const finished = useStore(studio, (state) => state.finished);
  const [full, setFull] = useState(false);
  const [size, setSize] = useState("");
  const results = useMemo(() => (image ? resultsOf(finished) : []), [finished, image]);
  const key = image && imageKey(image);
  const at = results.findIndex((result) => result.key === key);
  const result = results[at];
  const [before, after] = at < 0 ? [undefined, undefined] : [results[at - 1], results[at + 1]];
  useKeyDown((event) => {
    const next = event.key === "ArrowRight" ? after : event.key === "ArrowLeft" ? before : undefined;
    if (next) inspectImage(next.image);
  });
  if (!image) return null;
  const close = () => inspectImage(undefined);
  return (
    <Dialog label={image.filename} className="viewer" onClose={close}>
      <div className={`viewer-image ${full ? "full" : ""}`} tabIndex={0} role="region" aria-label="Image">
        <button type="button" className="viewer-zoom" aria-label={full ? "Fit to the window" : "Pixel for pixel"} onClick={() => setFull(!full)}>
          <img
            src={imageUrl(image)}
            alt={result?.facts.prompt ?? image.filename}
            onLoad={(event) => setSize(`${event.currentTarget.naturalWidth} × ${event.currentTarget.naturalHeight}`)}
          />
        </button>
        {!full && before && <Step to={before} label="The one before" icon="left" />}
        {!full && after && <Step to={after} label="The next one" icon="right" />}
      </div>
      <aside>
        <div className="row spread">
          <h1 className="clip" title={image.filename}>
            {image.filename}
          </h1>
          <Button icon="close" label="Close" bare small kind="quiet" onClick={close} />
        </div>
        <div className="row">
          <span className="faint">{size}</span>
          {result && <Stars of={result.key} />}
        </div>
        {result ? <ResultActions result={result} /> : <Button icon="save" label="Save" small onClick={() => void saveAsIs(image)} />}
        {result && <ResultFacts result={result} />}
        <h2>In the file</h2>
        <MetadataList key={key} image={image} />
      </aside>
    </Dialog>
  );
}
