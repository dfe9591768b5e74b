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
