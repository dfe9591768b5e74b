import { type ReactNode, useId } from "react";

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
