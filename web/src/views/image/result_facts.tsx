import type { Result } from "../../service/results.ts";

const FACTS = [
  ["prompt", "Prompt"],
  ["negative", "Negative prompt"],
  ["models", "Models"],
  ["seed", "Seed"],
  ["steps", "Steps"],
  ["cfg", "CFG"],
  ["sampler", "Sampler"],
] as const;

export function ResultFacts({ result }: { result: Result }) {
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
