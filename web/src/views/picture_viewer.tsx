/** One picture in full, with what it says of itself. */
import { useEffect, useMemo, useState } from "react";
import { useStore } from "../app/store.ts";
import { Button, Dialog } from "../design/fields.tsx";
import { Icon } from "../design/icons.tsx";
import { readTexts } from "../files/picture_metadata.ts";
import { pictureKey, pictureUrl, type Picture } from "../service/jobs.ts";
import { resultsOf, type Result } from "../service/results.ts";
import { fetchBytes, studio } from "../service/studio.ts";
import { saveAsIs } from "./gallery/picture_files.ts";
import { ResultActions } from "./gallery/result_actions.tsx";
import { Stars } from "./gallery/stars.tsx";
import { inspected, inspectPicture } from "./graph/inspect.ts";

const FACTS = [
  ["prompt", "Prompt"],
  ["negative", "Negative prompt"],
  ["models", "Models"],
  ["seed", "Seed"],
  ["steps", "Steps"],
  ["cfg", "CFG"],
  ["sampler", "Sampler"],
] as const;

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function Metadata({ picture }: { picture: Picture }) {
  const [texts, setTexts] = useState<readonly (readonly [string, string])[]>();
  useEffect(() => {
    let here = true;
    fetchBytes(pictureUrl(picture))
      .then(readTexts)
      .then((found) => here && setTexts([...found]))
      .catch(() => here && setTexts([]));
    return () => {
      here = false;
    };
  }, [picture]);
  if (!texts) return null;
  if (texts.length === 0) return <p className="faint">The file says nothing about how it was made.</p>;
  return (
    <>
      {texts.map(([key, text]) => (
        <details key={key} className="fold metadata">
          <summary>
            {key} <span className="faint">{text.length} characters</span>
          </summary>
          <pre className="mono" tabIndex={0} aria-label={key}>
            {pretty(text)}
          </pre>
        </details>
      ))}
    </>
  );
}

function ResultFacts({ result }: { result: Result }) {
  return (
    <dl className="facts">
      {FACTS.map(([key, name]) => {
        const value = result.facts[key];
        const text = Array.isArray(value) ? value.join(", ") : (value as string | undefined);
        return text ? (
          <div key={key}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ) : null;
      })}
    </dl>
  );
}

function Step({ to, label, icon }: { to: Result; label: string; icon: "left" | "right" }) {
  return (
    <button type="button" className={`viewer-step ${icon}`} aria-label={label} title={`${label} (arrow keys)`} onClick={() => inspectPicture(to.picture)}>
      <Icon name={icon} />
    </button>
  );
}

export function PictureViewer() {
  const picture = useStore(inspected, (state) => state.picture);
  const finished = useStore(studio, (state) => state.finished);
  const [full, setFull] = useState(false);
  const [size, setSize] = useState("");
  const results = useMemo(() => (picture ? resultsOf(finished) : []), [finished, picture]);
  const key = picture && pictureKey(picture);
  const at = results.findIndex((result) => result.key === key);
  const result = results[at];
  const [before, after] = at < 0 ? [undefined, undefined] : [results[at - 1], results[at + 1]];
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const next = event.key === "ArrowRight" ? after : event.key === "ArrowLeft" ? before : undefined;
      if (next) inspectPicture(next.picture);
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [before, after]);
  if (!picture) return null;
  const close = () => inspectPicture(undefined);
  return (
    <Dialog label={picture.filename} className="viewer" onClose={close}>
      <div className={`viewer-picture ${full ? "full" : ""}`} tabIndex={0} aria-label="Picture">
        <img
          src={pictureUrl(picture)}
          alt={result?.facts.prompt ?? picture.filename}
          onLoad={(event) => setSize(`${event.currentTarget.naturalWidth} × ${event.currentTarget.naturalHeight}`)}
          onClick={() => setFull(!full)}
        />
        {!full && before && <Step to={before} label="The one before" icon="left" />}
        {!full && after && <Step to={after} label="The next one" icon="right" />}
      </div>
      <aside>
        <div className="row spread">
          <h1 className="clip" title={picture.filename}>
            {picture.filename}
          </h1>
          <Button icon="close" label="Close" bare small kind="quiet" onClick={close} />
        </div>
        <div className="row">
          <span className="faint">{size}</span>
          {result && <Stars of={result.key} />}
        </div>
        {result ? <ResultActions result={result} /> : <Button icon="save" label="Save" small onClick={() => void saveAsIs(picture)} />}
        {result && <ResultFacts result={result} />}
        <h2>In the file</h2>
        <Metadata key={key} picture={picture} />
      </aside>
    </Dialog>
  );
}
