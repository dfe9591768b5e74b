import { useRef } from "react";
import { Icon } from "../../design/icons.tsx";
import { Select } from "../../design/select.tsx";
import { useKeyDown } from "../parts/use_key_down.ts";

/** What is searched for: words, and at least so many stars. */
export interface Search {
  readonly query: string;
  readonly stars: string;
}

export const EVERYTHING: Search = { query: "", stars: "0" };

const STAR_NAMES = { "0": "Any rating", "1": "★ and more", "2": "★★ and more", "3": "★★★ and more", "4": "★★★★ and more", "5": "★★★★★" };

/** The key / leads here. */
export function SearchFields({ search, onSearch }: { search: Search; onSearch: (search: Search) => void }) {
  const field = useRef<HTMLInputElement>(null);
  useKeyDown((event) => {
    if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    field.current?.focus();
  });
  return (
    <>
      <div className="search">
        <Icon name="search" />
        <input
          ref={field}
          type="search"
          className="field"
          aria-label="Search prompts and models"
          placeholder="Search prompts, models, seeds"
          value={search.query}
          onChange={(event) => onSearch({ ...search, query: event.target.value })}
        />
      </div>
      <Select className="fit" label="Rating" value={search.stars} choices={Object.keys(STAR_NAMES)} names={STAR_NAMES} onChange={(stars) => onSearch({ ...search, stars })} />
    </>
  );
}
