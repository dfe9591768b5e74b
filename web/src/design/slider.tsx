import { type ReactNode, useEffect, useRef } from "react";
import { Labelled } from "./labelled.tsx";
import { NumberField, type NumberProps } from "./number_field.tsx";

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
