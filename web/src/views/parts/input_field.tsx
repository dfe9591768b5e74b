import { NumberField } from "../../design/number_field.tsx";
import { Select } from "../../design/select.tsx";
import { change, type InputProps } from "./change_input.ts";
import { ImageInput } from "./image_input.tsx";
import { readable } from "./readable.ts";
import { SeedInput } from "./seed_input.tsx";
import { TextInput } from "./text_input.tsx";

export function InputField(props: InputProps) {
  const { node, spec } = props;
  const value = node.values[spec.name] ?? spec.initial;
  if (spec.imageUpload) return <ImageInput {...props} />;
  if (spec.isSeed) return <SeedInput {...props} />;
  if (spec.choices) {
    return (
      <Select
        id={props.id}
        label={readable(spec.name)}
        value={String(value ?? "")}
        choices={spec.choices}
        onChange={(choice) => change(props, choice)}
      />
    );
  }
  if (spec.type === "BOOLEAN") {
    return (
      <input
        id={props.id}
        type="checkbox"
        aria-label={readable(spec.name)}
        checked={value === true}
        onChange={(event) => change(props, event.target.checked)}
      />
    );
  }
  if (spec.type === "STRING") return <TextInput {...props} />;
  return (
    <NumberField
      id={props.id}
      label={readable(spec.name)}
      whole={spec.type === "INT"}
      value={value}
      min={spec.min}
      max={spec.max}
      step={spec.step}
      onChange={(number) => change(props, number)}
    />
  );
}

