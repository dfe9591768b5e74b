import { useState } from "react";
import type { Json } from "../document/exact_json.ts";

export interface NumberProps {
  id?: string;
  value: Json | undefined;
  onChange: (value: number | bigint) => void;
  min?: number;
  max?: number;
  step?: number;
  whole?: boolean;
  label?: string;
  className?: string;
}

function parseNumber(text: string, whole: boolean): number | bigint | undefined {
  const trimmed = text.trim().replace(",", ".");
  if (whole) {
    if (!/^-?\d+$/.test(trimmed)) return undefined;
    const number = Number(trimmed);
    return Number.isSafeInteger(number) ? number : BigInt(trimmed);
  }
  const number = Number(trimmed);
  return trimmed !== "" && Number.isFinite(number) ? number : undefined;
}

function clamp(value: number | bigint, min: number | undefined, max: number | undefined): number | bigint {
  if (min !== undefined && value < min) return min;
  if (max !== undefined && value > max) return max >= 2 ** 63 ? value : max;
  return value;
}

/** Steps of the arrow keys: what the node type says, ten times that with Shift. */
export function NumberField(props: NumberProps) {
  const whole = props.whole ?? false;
  const shown = props.value === undefined || props.value === null ? "" : String(props.value);
  const [draft, setDraft] = useState<string | undefined>();
  const commit = (text: string) => {
    setDraft(undefined);
    const value = parseNumber(text, whole);
    if (value !== undefined) props.onChange(clamp(value, props.min, props.max));
  };
  const nudge = (direction: number, big: boolean) => {
    const now = parseNumber(draft ?? shown, whole) ?? 0;
    const step = (props.step ?? (whole ? 1 : 0.1)) * (big ? 10 : 1) * direction;
    const next = typeof now === "bigint" ? now + BigInt(Math.round(step)) : Number((now + step).toFixed(6));
    commit(String(next));
  };
  return (
    <input
      id={props.id}
      className={`field ${props.className ?? ""}`}
      inputMode={whole ? "numeric" : "decimal"}
      role="spinbutton"
      aria-label={props.label}
      aria-valuenow={Number(shown) || 0}
      aria-valuemin={props.min}
      aria-valuemax={props.max !== undefined && props.max < 2 ** 53 ? props.max : undefined}
      autoComplete="off"
      spellCheck={false}
      value={draft ?? shown}
      onChange={(event) => setDraft(event.target.value)}
      onFocus={(event) => event.target.select()}
      onBlur={(event) => draft !== undefined && commit(event.target.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter") commit(event.currentTarget.value);
        if (event.key === "Escape") setDraft(undefined);
        if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
        event.preventDefault();
        nudge(event.key === "ArrowUp" ? 1 : -1, event.shiftKey);
      }}
    />
  );
}
