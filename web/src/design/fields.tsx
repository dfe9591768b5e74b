/** The fields of every form here, each with its label. */
import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import type { Json } from "../document/exact_json.ts";
import { Icon, type IconName } from "./icons.tsx";

export function Button(props: {
  icon?: IconName;
  label: string;
  /** Only the icon is drawn; the label is read out and shown as a tip. */
  bare?: boolean;
  kind?: "primary" | "quiet" | "danger" | "";
  small?: boolean;
  pressed?: boolean;
  disabled?: boolean;
  hint?: string;
  onClick?: (event: React.MouseEvent<HTMLButtonElement>) => void;
}) {
  const classes = ["button", props.kind ?? "", props.bare ? "icon" : "", props.small ? "small" : ""].join(" ");
  return (
    <button
      type="button"
      className={classes}
      aria-label={props.bare ? props.label : undefined}
      aria-pressed={props.pressed}
      title={props.hint ?? (props.bare ? props.label : undefined)}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      {props.icon && <Icon name={props.icon} />}
      {!props.bare && <span>{props.label}</span>}
    </button>
  );
}

export function Labelled({ label, aside, children }: { label: string; aside?: ReactNode; children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <div className="stack labelled">
      <div className="label">
        <label htmlFor={id}>{label}</label>
        {aside}
      </div>
      {children(id)}
    </div>
  );
}

interface NumberProps {
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

export function Slider(props: NumberProps & { label: string; aside?: ReactNode }) {
  const min = props.min ?? 0;
  const max = props.max ?? 1;
  const value = Math.min(max, Math.max(min, Number(props.value ?? min)));
  const track = useRef<HTMLInputElement>(null);
  useEffect(() => {
    track.current?.style.setProperty("--filled", `${((value - min) / (max - min)) * 100}%`);
  }, [value, min, max]);
  return (
    <Labelled label={props.label} aside={props.aside}>
      {(id) => (
        <div className="slider">
          <input
            ref={track}
            id={id}
            type="range"
            min={min}
            max={max}
            step={props.step ?? (props.whole ? 1 : 0.01)}
            value={value}
            onChange={(event) => props.onChange(Number(event.target.value))}
          />
          <NumberField {...props} label={`${props.label}, exactly`} className="short" />
        </div>
      )}
    </Labelled>
  );
}

export function Select(props: {
  id?: string;
  label?: string;
  value: string;
  choices: readonly string[];
  onChange: (value: string) => void;
  names?: Readonly<Record<string, string>>;
  className?: string;
}) {
  const unknown = !props.choices.includes(props.value);
  return (
    <select
      id={props.id}
      className={`field ${props.className ?? ""}`}
      aria-label={props.label}
      title={props.value}
      value={props.value}
      onChange={(event) => props.onChange(event.target.value)}
    >
      {unknown && <option value={props.value}>{props.value ? `${props.value} (missing)` : "None found"}</option>}
      {props.choices.map((choice) => (
        <option key={choice} value={choice}>
          {props.names?.[choice] ?? choice}
        </option>
      ))}
    </select>
  );
}

export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Notice({ children }: { children: ReactNode }) {
  return (
    <div className="notice" role="alert">
      <Icon name="alert" />
      <div className="grow">{children}</div>
    </div>
  );
}

/** A native modal dialog: it keeps the focus inside, and Escape closes it. */
export function Dialog({ label, onClose, className, children }: { label: string; onClose: () => void; className?: string; children: ReactNode }) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      className={className}
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onMouseDown={(event) => event.target === element.current && onClose()}
    >
      {children}
    </dialog>
  );
}
