/** All that was saved: search, stars, comparison, download. */
import { useMemo, useState } from "react";
import { Button } from "../../design/button.tsx";
import { Empty } from "../../design/empty.tsx";
import { loadRatings, ratings } from "../../service/ratings.ts";
import { matches, resultsOf } from "../../service/results.ts";
import { studio } from "../../service/studio.ts";
import { loadThumbnails } from "../../service/thumbnails.ts";
import { show } from "../../state/routes.ts";
import { useStore } from "../../state/store.ts";
import { countText } from "../parts/counts.ts";
import { ProjectSelect } from "../parts/project_select.tsx";
import { useWhenever } from "../parts/use_whenever.ts";
import { Compare } from "./compare.tsx";
import { EVERYTHING, SearchFields } from "./search_fields.tsx";
import { SelectionActions } from "./selection_actions.tsx";
import { Tile } from "./tile.tsx";

const counted = (found: number, all: number): string => (found < all ? `${found} of ${all}` : countText(all, "image"));

/** Arrow keys walk through the tiles as they stand on the screen. */
function walk(event: React.KeyboardEvent<HTMLUListElement>): void {
  const tiles = [...event.currentTarget.querySelectorAll<HTMLButtonElement>(".tile-image")];
  const at = tiles.indexOf(document.activeElement as HTMLButtonElement);
  if (at < 0) return;
  const columns = getComputedStyle(event.currentTarget).gridTemplateColumns.split(" ").length;
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  tiles[at + step]?.focus();
}

function EmptyGallery() {
  return (
    <div className="page">
      <div className="page-head">
        <h1>Gallery</h1>
        <ProjectSelect />
      </div>
      <Empty icon="gallery" title="No images yet">
        <p>What you render is kept here, with all that is needed to make it again.</p>
        <Button icon="create" label="Make one" kind="primary" onClick={() => show("create")} />
      </Empty>
    </div>
  );
}

export function GalleryView() {
  const finished = useStore(studio, (state) => state.finished);
  const loaded = useStore(studio, (state) => state.historyLoaded);
  const stars = useStore(ratings, (state) => state.stars);
  const [search, setSearch] = useState(EVERYTHING);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [comparing, setComparing] = useState(false);
  useWhenever([], loadRatings);
  useWhenever([finished], loadThumbnails);
  const all = useMemo(() => resultsOf(finished), [finished]);
  const results = useMemo(
    () => all.filter((result) => matches(result, search.query) && (stars[result.key] ?? 0) >= Number(search.stars)),
    [all, search, stars],
  );
  const picked = all.filter((result) => chosen.includes(result.key));
  const choose = (key: string) => setChosen((before) => (before.includes(key) ? before.filter((other) => other !== key) : [...before, key]));
  if (loaded && all.length === 0) return <EmptyGallery />;
  return (
    <div className="page">
      <div className="page-head">
        <h1>Gallery</h1>
        {picked.length > 0 ? (
          <SelectionActions picked={picked} onCompare={() => setComparing(true)} onClear={() => setChosen([])} />
        ) : (
          <>
            <ProjectSelect />
            <SearchFields search={search} onSearch={setSearch} />
            <span className="grow" />
            <span className="faint">{counted(results.length, all.length)}</span>
          </>
        )}
      </div>
      <div className="page-body" tabIndex={0} role="region" aria-label="Images">
        {results.length === 0 && loaded && (
          <Empty icon="search" title="Nothing matches">
            <Button label="Show everything" onClick={() => setSearch(EVERYTHING)} />
          </Empty>
        )}
        <ul className="tiles" onKeyDown={walk}>
          {results.map((result) => (
            <Tile key={result.key} result={result} chosen={chosen.includes(result.key)} onChoose={choose} />
          ))}
        </ul>
      </div>
      {comparing && <Compare results={picked} onClose={() => setComparing(false)} />}
    </div>
  );
}
