import { Icon } from "../../design/icons.tsx";
import { rate, ratings } from "../../service/ratings.ts";
import { useStore } from "../../state/store.ts";
import { countText } from "./counts.ts";

export function Stars({ of: key }: { of: string }) {
  const stars = useStore(ratings, (state) => state.stars[key] ?? 0);
  return (
    <span className="stars" role="group" aria-label={`Rating: ${stars} of 5`}>
      {[1, 2, 3, 4, 5].map((value) => (
        <button
          key={value}
          type="button"
          className={value <= stars ? "on" : ""}
          aria-label={countText(value, "star")}
          aria-pressed={value === stars}
          onClick={() => void rate(key, value === stars ? 0 : value)}
        >
          <Icon name="star" />
        </button>
      ))}
    </span>
  );
}
