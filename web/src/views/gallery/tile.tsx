import { rate } from "../../service/ratings.ts";
import type { Result } from "../../service/results.ts";
import { thumbnails, thumbnailUrl } from "../../service/thumbnails.ts";
import { useStore } from "../../state/store.ts";
import { inspectImage } from "../../workspace/inspected.ts";
import { Stars } from "../parts/stars.tsx";

export function Tile(props: { result: Result; chosen: boolean; onChoose: (key: string) => void }) {
  const { result, chosen } = props;
  useStore(thumbnails, (state) => state.known);
  return (
    <li className={`tile ${chosen ? "chosen" : ""}`}>
      <button
        type="button"
        className="tile-image"
        data-key={result.key}
        aria-label={`View ${result.facts.prompt || result.image.filename}`}
        onClick={(event) => (event.ctrlKey || event.metaKey ? props.onChoose(result.key) : inspectImage(result.image))}
        onKeyDown={(event) => {
          if (/^[0-5]$/.test(event.key)) void rate(result.key, Number(event.key));
          if (event.key === "x") props.onChoose(result.key);
        }}
      >
        <img src={thumbnailUrl(result.image)} alt="" loading="lazy" decoding="async" draggable={false} />
      </button>
      <input type="checkbox" className="tile-check" aria-label={`Select ${result.image.filename}`} checked={chosen} onChange={() => props.onChoose(result.key)} />
      <div className="tile-foot">
        <span className="clip" title={result.facts.prompt}>
          {result.facts.prompt || result.image.filename}
        </span>
        <Stars of={result.key} />
      </div>
    </li>
  );
}
