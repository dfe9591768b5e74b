import { change, type InputProps } from "./change_input.ts";
import { readable } from "./readable.ts";

export function TextInput(props: InputProps) {
  const { node, spec } = props;
  const common = {
    id: props.id,
    className: "field",
    "aria-label": readable(spec.name),
    spellCheck: false,
    value: String(node.values[spec.name] ?? spec.initial ?? ""),
  };
  if (spec.multiline) {
    return <textarea {...common} rows={4} placeholder={readable(spec.name)} onChange={(event) => change(props, event.target.value)} />;
  }
  return <input {...common} onChange={(event) => change(props, event.target.value)} />;
}
