/** A graph as a form: the inputs that were marked on its nodes, and what comes out. */
import { useEffect, useMemo, useSyncExternalStore } from "react";
import { show } from "../app/routes.ts";
import { useStore } from "../app/store.ts";
import { edit, leaveTo, renderGraph, workspace } from "../app/workspace.ts";
import { Button, Empty, Labelled, Slider } from "../design/fields.tsx";
import { Icon } from "../design/icons.tsx";
import { setExposed } from "../document/commands.ts";
import { linksOf, nodesOf, type GraphDocument, type GraphNode } from "../document/model.ts";
import type { InputSpec, NodeTypes } from "../document/node_types.ts";
import { withSubgraphs } from "../document/subgraph_types.ts";
import { pictureUrl } from "../service/jobs.ts";
import { resultsOf } from "../service/results.ts";
import { studio } from "../service/studio.ts";
import { ResultActions } from "./gallery/result_actions.tsx";
import { inspectPicture } from "./graph/inspect.ts";
import { change, readable, Widget } from "./graph/widgets.tsx";
import { RenderButton } from "./render_button.tsx";
import { timeLeft } from "./time_left.ts";

interface Exposed {
  readonly node: GraphNode;
  readonly spec: InputSpec;
  readonly label: string;
}

/** Ranges worth a slider: both ends known, and not the width of all numbers. */
const SLIDERS: Record<string, readonly [number, number, number]> = { steps: [1, 60, 1], cfg: [1, 15, 0.1], denoise: [0, 1, 0.01] };

function sliderRange(spec: InputSpec): readonly [number, number, number] | undefined {
  if (spec.isSeed || (spec.type !== "INT" && spec.type !== "FLOAT")) return undefined;
  const known = SLIDERS[spec.name];
  if (known) return known;
  const { min, max } = spec;
  if (min === undefined || max === undefined || max - min > 64) return undefined;
  return [min, max, spec.step ?? (spec.type === "INT" ? 1 : 0.01)];
}

const NAMES: Readonly<Record<string, string>> = { ckpt_name: "Model", lora_name: "LoRA", vae_name: "VAE", cfg: "CFG", sampler_name: "Sampler", noise_seed: "Seed" };

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** A text is called by its node's title, or else by what it leads to: the prompt, or the negative one. */
function labelOf(document: GraphDocument, node: GraphNode, spec: InputSpec): string {
  if (spec.name !== "text") return NAMES[spec.name] ?? capital(readable(spec.name));
  if (node.title) return node.title;
  const [leads] = linksOf(document).filter((link) => link.from === node.id);
  if (leads?.input === "positive") return "Prompt";
  return leads?.input === "negative" ? "Negative prompt" : "Text";
}

/** Equal labels are told apart by their nodes' titles. */
function exposedInputs(document: GraphDocument, types: NodeTypes): Exposed[] {
  const items = nodesOf(document).flatMap((node) => {
    const type = types.get(node.type);
    return (node.exposed ?? []).flatMap((name) => {
      const spec = type?.inputs.find((input) => input.name === name);
      return spec ? [{ node, spec, label: labelOf(document, node, spec) }] : [];
    });
  });
  const count = (label: string): number => items.filter((item) => item.label === label).length;
  return items.map((item) => {
    const title = item.node.title ?? types.get(item.node.type)?.label ?? item.node.type;
    return count(item.label) > 1 && title !== item.label ? { ...item, label: `${item.label} · ${title}` } : item;
  });
}

/** What most graphs are steered by: words, seeds, and how they are sampled. */
function usualInputs(nodes: readonly GraphNode[], types: NodeTypes, linked: ReadonlySet<string>): [string, string][] {
  const usual = new Set(["text", "seed", "noise_seed", "steps", "cfg", "width", "height", "image", "denoise", "ckpt_name"]);
  return nodes.flatMap((node) =>
    (types.get(node.type)?.inputs ?? [])
      .filter((spec) => spec.widget && usual.has(spec.name) && !linked.has(`${node.id}.${spec.name}`))
      .map((spec): [string, string] => [node.id, spec.name]),
  );
}

function Field({ item }: { item: Exposed }) {
  const range = sliderRange(item.spec);
  const value = item.node.values[item.spec.name] ?? item.spec.initial;
  if (range) {
    const [min, max, step] = range;
    return <Slider label={item.label} min={min} max={max} step={step} whole={item.spec.type === "INT"} value={value} onChange={(next) => change(item, next)} />;
  }
  return <Labelled label={item.label}>{(id) => <Widget {...item} id={id} />}</Labelled>;
}

function Outcome() {
  const jobs = useStore(workspace, (state) => state.jobs);
  const finished = useStore(studio, (state) => state.finished);
  const running = useStore(studio, (state) => (state.running && jobs.includes(state.running.job) ? state.running : undefined));
  const results = useMemo(() => resultsOf(finished.filter((job) => jobs.includes(job.id))), [finished, jobs]);
  const last = finished.find((job) => job.id === jobs.at(-1));
  if (running) {
    const left = timeLeft(running);
    return (
      <div className="stage-running">
        {running.preview ? <img className="stage-picture" src={running.preview} alt="The picture so far" /> : <div className="stage-blank"><Icon name="aperture" /></div>}
        <span className="soft">{left ? `${left} left` : "Rendering…"}</span>
      </div>
    );
  }
  if (last?.error) return <div className="notice" role="alert"><Icon name="alert" /><span>{last.error.message}</span></div>;
  const [newest] = results;
  if (!newest) return <Empty icon="image" title="Nothing rendered yet"><p>Press Render, and the picture appears here.</p></Empty>;
  return (
    <>
      <button type="button" className="stage-look" aria-label="Look at it in full" onClick={() => inspectPicture(newest.picture)}>
        <img className="stage-picture" src={pictureUrl(newest.picture)} alt={newest.facts.prompt} />
      </button>
      <div className="stage-foot"><ResultActions result={newest} /></div>
    </>
  );
}

export function FormView() {
  const known = useStore(studio, (state) => state.types);
  const { editor, name } = useStore(workspace, (state) => state);
  const document = useSyncExternalStore(editor.subscribe, () => editor.document);
  // A form is that of the whole graph, and so are its edits.
  useEffect(() => leaveTo(0), []);
  const types = known && withSubgraphs(document.subgraphs, known);
  if (!types) return <p className="waiting soft">Waiting for the server…</p>;
  const nodes = nodesOf(document);
  const items = exposedInputs(document, types);
  if (items.length === 0) {
    const linked = new Set(linksOf(document).map((link) => `${link.to}.${link.input}`));
    const usual = usualInputs(nodes, types, linked);
    return (
      <Empty icon="form" title={nodes.length === 0 ? "No graph is open" : "This graph has no form yet"}>
        <p>In the graph, click the small diamond at the right edge of an input: it appears here, as a slider, a text box or a list.</p>
        <div className="row">
          {usual.length > 0 && (
            <Button
              icon="plus"
              label="Take the usual inputs"
              kind="primary"
              onClick={() => edit("Make a form", (before) => usual.reduce((now, [id, input]) => setExposed(id, input, true)(now), before))}
            />
          )}
          <Button icon="graph" label="Open the graph" onClick={() => show("graph")} />
        </div>
      </Empty>
    );
  }
  return (
    <div className="create">
      <section className="quick" aria-label={`Form of ${name}`}>
        <div className="quick-scroll">
          <h1 className="clip" title={name}>{name}</h1>
          {items.map((item) => (
            <div className="form-item" key={`${item.node.id}.${item.spec.name}`}>
              <Field item={item} />
              <Button icon="close" label={`Take ${item.label} off the form`} bare small kind="quiet" onClick={() => edit("Change the form", setExposed(item.node.id, item.spec.name, false))} />
            </div>
          ))}
        </div>
        <div className="quick-foot">
          <Button icon="graph" label="Show as graph" onClick={() => show("graph")} />
          <RenderButton onClick={() => void renderGraph()} />
        </div>
      </section>
      <section className="stage" aria-label="Pictures">
        <div className="stage-middle"><Outcome /></div>
      </section>
    </div>
  );
}
