/** Fields on a node, one for each input that has a value of its own. */
import { useState } from "react";
import { chooseFiles } from "../../app/download.ts";
import { toast } from "../../app/toasts.ts";
import { edit, editWhole, here } from "../../app/workspace.ts";
import { randomSeed } from "../../document/seeds.ts";
import { Button, NumberField, Select } from "../../design/fields.tsx";
import { setExposed, setSeedControl, setValue } from "../../document/commands.ts";
import type { Json } from "../../document/exact_json.ts";
import type { GraphNode, SeedControl } from "../../document/model.ts";
import type { InputSpec } from "../../document/node_types.ts";
import { exposeInput, removeInput, slotInto } from "../../document/subgraph_commands.ts";
import { withSubgraphs } from "../../document/subgraph_types.ts";
import { pictureUrl } from "../../service/jobs.ts";
import { loadTypes, studio, upload } from "../../service/studio.ts";

const CONTROL_NAMES = { fixed: "stays", increment: "counts up", decrement: "counts down", randomize: "random" };

export const readable = (name: string): string => name.replace(/_/g, " ");

interface WidgetProps {
  node: GraphNode;
  spec: InputSpec;
  id?: string;
}

export function change({ node, spec }: WidgetProps, value: Json): void {
  edit(`Set ${readable(spec.name)}`, setValue(node.id, spec.name, value), `${node.id}.${spec.name}`);
}

function PictureInput(props: WidgetProps) {
  const [busy, setBusy] = useState(false);
  const name = String(props.node.values[props.spec.name] ?? props.spec.initial ?? "");
  const slash = name.lastIndexOf("/");
  const picture = { filename: name.slice(slash + 1), subfolder: name.slice(0, Math.max(0, slash)), type: "input" };
  const take = async (file: File | undefined) => {
    if (!file) return;
    setBusy(true);
    try {
      const stored = await upload(file, file.name);
      await loadTypes();
      change(props, stored);
    } catch (error) {
      toast((error as Error).message, "bad");
    }
    setBusy(false);
  };
  return (
    <div
      className="picture-input"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation();
        void take(event.dataTransfer.files[0]);
      }}
    >
      <div className="row">
        <Select
          className="grow"
          label={readable(props.spec.name)}
          value={name}
          choices={props.spec.choices ?? []}
          onChange={(value) => change(props, value)}
        />
        <Button
          icon="folder"
          label="Upload a picture"
          bare
          small
          disabled={busy}
          onClick={async () => take((await chooseFiles("image/png,image/jpeg,image/webp"))[0])}
        />
      </div>
      {name && <img src={pictureUrl(picture)} alt={name} draggable={false} />}
    </div>
  );
}

function SeedInput(props: WidgetProps) {
  const control = props.node.seedControl ?? "fixed";
  return (
    <div className="row seed">
      <NumberField
        id={props.id}
        whole
        label={readable(props.spec.name)}
        value={props.node.values[props.spec.name] ?? props.spec.initial}
        min={props.spec.min}
        max={props.spec.max}
        onChange={(value) => change(props, value)}
      />
      <Button icon="dice" label="New seed" bare small onClick={() => change(props, randomSeed(props.spec.max))} />
      <Select
        label="After each render, the seed"
        value={control}
        choices={["fixed", "randomize", "increment", "decrement"]}
        names={CONTROL_NAMES}
        onChange={(value) => edit("Set seed control", setSeedControl(props.node.id, value as SeedControl))}
      />
    </div>
  );
}

export function Widget(props: WidgetProps) {
  const { node, spec } = props;
  const value = node.values[spec.name] ?? spec.initial;
  if (spec.imageUpload) return <PictureInput {...props} />;
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

function TextInput(props: WidgetProps) {
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

/** Puts an input on the form of this graph; inside a subgraph, on the subgraph's own node. */
export function ExposeButton({ node, spec }: WidgetProps) {
  const { document, subgraph } = here();
  const slot = subgraph && slotInto(document, subgraph, node.id, spec.name);
  const exposed = subgraph ? slot !== undefined : (node.exposed?.includes(spec.name) ?? false);
  const where = subgraph ? "on the subgraph's node" : "on the form";
  const toggle = () => {
    if (!subgraph) return edit("Change the form", setExposed(node.id, spec.name, !exposed));
    const types = withSubgraphs(document.subgraphs, studio.get().types ?? new Map());
    editWhole("Change the inputs", slot ? removeInput(subgraph.id, slot.name) : exposeInput(subgraph.id, types, node.id, spec.name));
  };
  return (
    <button
      type="button"
      className={`expose nodrag ${exposed ? "on" : ""}`}
      aria-pressed={exposed}
      aria-label={`Show ${readable(spec.name)} ${where}`}
      title={exposed ? `Shown ${where}` : `Show ${where}`}
      onClick={toggle}
    />
  );
}
