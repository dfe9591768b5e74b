/** Two to four images beside each other, or two under one slider. */
import { useEffect, useRef, useState } from "react";
import { Button } from "../../design/button.tsx";
import { Dialog } from "../../design/dialog.tsx";
import type { Facts } from "../../service/facts.ts";
import { imageUrl } from "../../service/images.ts";
import type { Result } from "../../service/results.ts";

const NAMES: readonly (readonly [keyof Facts, string])[] = [
  ["seed", "Seed"],
  ["steps", "Steps"],
  ["cfg", "CFG"],
  ["sampler", "Sampler"],
  ["size", "Size"],
  ["models", "Models"],
  ["prompt", "Prompt"],
];

function differences(results: readonly Result[]): (readonly [keyof Facts, string])[] {
  return NAMES.filter(([key]) => new Set(results.map(({ facts }) => String(facts[key] ?? ""))).size > 1);
}

function Caption({ result, differing }: { result: Result; differing: readonly (readonly [keyof Facts, string])[] }) {
  return (
    <figcaption>
      <span className="clip faint" title={result.image.filename}>
        {result.image.filename}
      </span>
      {differing.map(([key, name]) => (
        <span key={key}>
          <span className="soft">{name}</span> {String(result.facts[key] ?? "–")}
        </span>
      ))}
    </figcaption>
  );
}

function SliderCompare({ results }: { results: readonly Result[] }) {
  const [at, setAt] = useState(50);
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => frame.current?.style.setProperty("--at", `${at}%`), [at]);
  const [left, right] = results as [Result, Result];
  return (
    <div className="compare-slider">
      <div className="compare-frame" ref={frame}>
        <img src={imageUrl(right.image)} alt={`Right: ${right.image.filename}`} draggable={false} />
        <img className="over" src={imageUrl(left.image)} alt={`Left: ${left.image.filename}`} draggable={false} />
        <span className="compare-line" />
        <input type="range" aria-label="Where left ends and right begins" min={0} max={100} step={0.5} value={at} onChange={(event) => setAt(Number(event.target.value))} />
      </div>
    </div>
  );
}

export function Compare({ results, onClose }: { results: readonly Result[]; onClose: () => void }) {
  const [sliding, setSliding] = useState(false);
  const differing = differences(results);
  return (
    <Dialog label="Compare" className="compare" onClose={onClose}>
      <div className="row spread dialog-head">
        <h1>Compare</h1>
        <div className="row">
          <Button icon="compare" label="Side by side" small pressed={!sliding} onClick={() => setSliding(false)} />
          <Button icon="up_down" label="Slider" small pressed={sliding} disabled={results.length !== 2} onClick={() => setSliding(true)} />
          <Button icon="close" label="Close" bare small kind="quiet" onClick={onClose} />
        </div>
      </div>
      {sliding ? (
        <SliderCompare results={results} />
      ) : (
        <div className="compare-side">
          {results.map((result) => (
            <figure key={result.key}>
              <img src={imageUrl(result.image)} alt={result.facts.prompt} />
              <Caption result={result} differing={differing} />
            </figure>
          ))}
        </div>
      )}
      {differing.length === 0 && <p className="soft">Both were made with the same settings.</p>}
    </Dialog>
  );
}
