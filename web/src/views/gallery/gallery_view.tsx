/** All that was saved: search, stars, comparison, download. */
import { useEffect, useMemo, useRef, useState } from "react";
import { show } from "../../app/routes.ts";
import { useStore } from "../../app/store.ts";
import { Button, Empty, Select } from "../../design/fields.tsx";
import { Icon } from "../../design/icons.tsx";
import { loadRatings, rate, ratings } from "../../service/ratings.ts";
import { matches, resultsOf, type Result } from "../../service/results.ts";
import { forget, studio } from "../../service/studio.ts";
import { loadThumbnails, thumbnailUrl, thumbnails } from "../../service/thumbnails.ts";
import { inspectPicture } from "../graph/inspect.ts";
import { ProjectSelect } from "../project_switch.tsx";
import { Compare } from "./compare.tsx";
import { saveAll } from "./picture_files.ts";
import { Stars } from "./stars.tsx";

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

const STAR_NAMES = { "0": "Any rating", "1": "★ and more", "2": "★★ and more", "3": "★★★ and more", "4": "★★★★ and more", "5": "★★★★★" };

function Card(props: { result: Result; chosen: boolean; onChoose: (key: string) => void }) {
  const { result, chosen } = props;
  useStore(thumbnails, (state) => state.known);
  return (
    <li className={`tile ${chosen ? "chosen" : ""}`}>
      <button
        type="button"
        className="tile-picture"
        data-key={result.key}
        aria-label={`Look at ${result.facts.prompt || result.picture.filename}`}
        onClick={(event) => (event.ctrlKey || event.metaKey ? props.onChoose(result.key) : inspectPicture(result.picture))}
        onKeyDown={(event) => {
          if (/^[0-5]$/.test(event.key)) void rate(result.key, Number(event.key));
          if (event.key === "x") props.onChoose(result.key);
        }}
      >
        <img src={thumbnailUrl(result.picture)} alt="" loading="lazy" decoding="async" draggable={false} />
      </button>
      <input type="checkbox" className="tile-check" aria-label={`Select ${result.picture.filename}`} checked={chosen} onChange={() => props.onChoose(result.key)} />
      <div className="tile-foot">
        <span className="clip" title={result.facts.prompt}>
          {result.facts.prompt || result.picture.filename}
        </span>
        <Stars of={result.key} />
      </div>
    </li>
  );
}

/** Arrow keys walk through the tiles as they stand on the screen. */
function walk(event: React.KeyboardEvent<HTMLUListElement>): void {
  const tiles = [...event.currentTarget.querySelectorAll<HTMLButtonElement>(".tile-picture")];
  const at = tiles.indexOf(document.activeElement as HTMLButtonElement);
  if (at < 0) return;
  const columns = getComputedStyle(event.currentTarget).gridTemplateColumns.split(" ").length;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  tiles[at + step]?.focus();
}

export function GalleryView() {
  const finished = useStore(studio, (state) => state.finished);
  const loaded = useStore(studio, (state) => state.historyLoaded);
  const stars = useStore(ratings, (state) => state.stars);
  const [query, setQuery] = useState("");
  const [least, setLeast] = useState("0");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [comparing, setComparing] = useState(false);
  const search = useRef<HTMLInputElement>(null);

  useEffect(() => {
    void loadRatings().catch(() => undefined);
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
      event.preventDefault();
      search.current?.focus();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, []);

  useEffect(() => void loadThumbnails().catch(() => undefined), [finished]);
  const all = useMemo(() => resultsOf(finished), [finished]);
  const results = useMemo(
    () => all.filter((result) => matches(result, query) && (stars[result.key] ?? 0) >= Number(least)),
    [all, query, stars, least],
  );
  const picked = all.filter((result) => chosen.includes(result.key));
  const choose = (key: string) => setChosen((before) => (before.includes(key) ? before.filter((other) => other !== key) : [...before, key]));

  if (loaded && all.length === 0) {
    return (
      <div className="page">
        <div className="page-head">
          <h1>Gallery</h1>
          <ProjectSelect />
        </div>
        <Empty icon="gallery" title="No pictures yet">
          <p>What you render is kept here, with all that is needed to make it again.</p>
          <Button icon="create" label="Make one" kind="primary" onClick={() => show("create")} />
        </Empty>
      </div>
    );
  }
  return (
    <div className="page">
      <div className="page-head">
        <h1>Gallery</h1>
        {picked.length === 0 && (
          <>
            <ProjectSelect />
            <div className="search">
              <Icon name="search" />
              <input
                ref={search}
                type="search"
                className="field"
                aria-label="Search prompts and models"
                placeholder="Search prompts, models, seeds"
                value={query}
                onChange={(event) => setQuery(event.target.value)}
              />
            </div>
            <Select className="fit" label="Rating" value={least} choices={Object.keys(STAR_NAMES)} names={STAR_NAMES} onChange={setLeast} />
          </>
        )}
        {picked.length > 0 && <span className="soft">{picked.length} selected</span>}
        <span className="grow" />
        {picked.length === 0 ? (
          <span className="faint">{results.length === all.length ? counted(all.length, "picture") : `${results.length} of ${all.length}`}</span>
        ) : (
          <>
            <Button icon="compare" label="Compare" small disabled={picked.length < 2 || picked.length > 4} onClick={() => setComparing(true)} />
            <Button icon="save" label="Download" small onClick={() => void saveAll(picked.map(({ picture }) => picture), false)} />
            <Button icon="lock" label="Download clean" small hint="Without metadata" onClick={() => void saveAll(picked.map(({ picture }) => picture), true)} />
            <Button
              icon="trash"
              label="Forget"
              small
              kind="danger"
              hint="Takes them off the gallery; the files stay in the output folder"
              onClick={() => {
                void forget([...new Set(picked.map(({ job }) => job.id))]);
                setChosen([]);
              }}
            />
            <Button icon="close" label="Select none" bare small kind="quiet" onClick={() => setChosen([])} />
          </>
        )}
      </div>
      <div className="page-body" tabIndex={0} role="region" aria-label="Pictures">
        {results.length === 0 && loaded && (
          <Empty icon="search" title="Nothing matches">
            <Button
              label="Show everything"
              onClick={() => {
                setQuery("");
                setLeast("0");
              }}
            />
          </Empty>
        )}
        <ul className="tiles" onKeyDown={walk}>
          {results.map((result) => (
            <Card key={result.key} result={result} chosen={chosen.includes(result.key)} onChoose={choose} />
          ))}
        </ul>
      </div>
      {comparing && <Compare results={picked} onClose={() => setComparing(false)} />}
    </div>
  );
}
