/** One model: what its tensors are, what its makers say, and what it takes to run it. */
import { useEffect, useState } from "react";
import { toast } from "../app/toasts.ts";
import { Icon } from "../design/icons.tsx";
import { defaultsFor, firstForm, quickPrompt } from "../forms/quick.ts";
import { loadFacts, loadWords, planMemory, previewUrl, type MemoryPlan, type Model, type ModelFacts, type ModelWords } from "../service/models.ts";
import { studio } from "../service/studio.ts";
import { bytesText } from "./bytes.ts";

const KIND_NAMES: Record<string, string> = {
  checkpoints: "Checkpoints",
  loras: "LoRAs",
  vae: "VAE",
  controlnet: "ControlNets",
  upscale_models: "Upscalers",
  embeddings: "Embeddings",
  text_encoders: "Text encoders",
  clip_vision: "CLIP vision",
  diffusion_models: "Diffusion models",
};

export const kindName = (kind: string): string => KIND_NAMES[kind] ?? kind.replace(/_/g, " ");

/** What comes of `load`, while the component stands; nothing where it fails. */
function useLoaded<T>(load: () => Promise<T>): T | undefined {
  const [loaded, setLoaded] = useState<T>();
  useEffect(() => {
    let here = true;
    load()
      .then((found) => here && setLoaded(found))
      .catch(() => undefined);
    return () => {
      here = false;
    };
    // The panel has a key: another model is another panel.
  }, []);
  return loaded;
}

async function planOf(model: Model): Promise<(MemoryPlan & { readonly size: string }) | undefined> {
  const { types } = studio.get();
  if (!types || model.kind !== "checkpoints") return undefined;
  const form = { ...firstForm(types), ...defaultsFor(model.name), model: model.name };
  const plan = await planMemory(quickPrompt(form, types));
  return { ...plan, size: `${form.width} × ${form.height}` };
}

function MemoryNeed({ model }: { model: Model }) {
  const plan = useLoaded(() => planOf(model));
  if (!plan || plan.budget_bytes <= 0) return null;
  const fits = plan.planned_bytes <= plan.budget_bytes;
  return (
    <section className="stack">
      <dl className="facts">
        <div>
          <dt>Memory for one picture of {plan.size}</dt>
          <dd>
            {bytesText(plan.planned_bytes)} <span className="faint">of the {bytesText(plan.budget_bytes)} that it may take</span>
          </dd>
        </div>
      </dl>
      <div className={`bar ${fits ? "" : "over"}`}>
        <span style={{ transform: `scaleX(${Math.min(1, plan.planned_bytes / plan.budget_bytes)})` }} />
      </div>
    </section>
  );
}

function copyWord(word: string): void {
  void navigator.clipboard?.writeText(word).then(() => toast(`Copied “${word}”.`));
}

function Triggers({ words }: { words: readonly string[] }) {
  if (words.length === 0) return null;
  return (
    <section className="stack">
      <h3>Trigger words</h3>
      <p className="triggers">
        {words.map((word) => (
          <button key={word} type="button" className="chip" title="Copy" onClick={() => copyWord(word)}>
            {word}
          </button>
        ))}
      </p>
    </section>
  );
}

function rowsOf(model: Model, facts: ModelFacts | undefined, words: ModelWords): (readonly [string, string | undefined])[] {
  return [
    ["Kind", kindName(model.kind)],
    ["What it is", facts?.title || undefined],
    ["Architecture, as it says", words.architecture],
    ["Size", model.bytes > 0 ? bytesText(model.bytes) : undefined],
    ["Where", model.inside ? "Inside the program" : undefined],
    ["Resolution", words.resolution],
    ["Author", words.author],
    ["Licence", words.licence],
    ["SHA-256", facts?.digest || words.hash],
  ];
}

export function ModelFactsPanel({ model }: { model: Model }) {
  const facts = useLoaded(() => loadFacts(model));
  const words = useLoaded(() => loadWords(model));
  if (!words) return <aside className="model-facts" />;
  const picture = previewUrl(model) ?? words.thumbnail;
  // What people wrote down beside the file goes before what the file counts.
  const triggers = facts?.trigger_words.length ? facts.trigger_words : words.triggers;
  const description = words.description ?? facts?.description;
  return (
    <aside className="model-facts" aria-label={model.name}>
      {picture && <img src={picture} alt="Preview" />}
      <div className="stack tight">
        <h2 className="wrap">{words.title ?? model.name}</h2>
        {words.title && words.title !== model.name && <span className="faint wrap">{model.name}</span>}
      </div>
      <Triggers words={triggers} />
      {facts?.error && (
        <div className="notice" role="alert">
          <Icon name="alert" />
          <span>{facts.error}</span>
        </div>
      )}
      <dl className="facts">
        {rowsOf(model, facts, words).map(([name, value]) =>
          value ? (
            <div key={name}>
              <dt>{name}</dt>
              <dd className={name === "SHA-256" ? "mono" : ""}>{value}</dd>
            </div>
          ) : null,
        )}
      </dl>
      <MemoryNeed model={model} />
      {description && <p className="soft wrap">{description}</p>}
      {words.empty && !description && triggers.length === 0 && <p className="faint">The file carries no description of itself.</p>}
    </aside>
  );
}
