import { imageUrl } from "../../service/images.ts";
import type { Result } from "../../service/results.ts";
import { quick } from "../../workspace/quick_form.ts";

export function Strip({ results, shown }: { results: readonly Result[]; shown: Result | undefined }) {
  return (
    <div className="strip" role="listbox" aria-label="Recent images" aria-orientation="horizontal">
      {results.map((result) => (
        <button
          key={result.key}
          type="button"
          role="option"
          aria-selected={result === shown}
          aria-label={result.facts.prompt || result.image.filename}
          title={result.facts.prompt}
          onClick={() => quick.set({ chosen: result.key })}
        >
          <img src={imageUrl(result.image)} alt="" loading="lazy" draggable={false} />
        </button>
      ))}
    </div>
  );
}
