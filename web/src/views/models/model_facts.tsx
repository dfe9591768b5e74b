import { Notice } from "../../design/notice.tsx";
import type { Model, ModelFacts } from "../../service/api_types.ts";
import { loadFacts, loadMetadata, type ModelMetadata, previewUrl } from "../../service/models.ts";
import { sizeText } from "../parts/sizes.ts";
import { kindName } from "./kind_names.ts";
import { MemoryNeed } from "./memory_need.tsx";
import { TriggerWords } from "./trigger_words.tsx";
import { useLoaded } from "./use_loaded.ts";

function rowsOf(model: Model, facts: ModelFacts | undefined, words: ModelMetadata): (readonly [string, string | undefined])[] {
  return [
    ["Kind", kindName(model.kind)],
    ["Contents", facts?.title || undefined],
    ["Architecture, by its metadata", words.architecture],
    ["Size", model.bytes > 0 ? sizeText(model.bytes) : undefined],
    ["Where", model.inside ? "Inside the program" : undefined],
    ["Resolution", words.resolution],
    ["Author", words.author],
    ["Licence", words.licence],
    ["SHA-256", facts?.digest || words.hash],
  ];
}

export function ModelFactsPanel({ model }: { model: Model }) {
  const facts = useLoaded(() => loadFacts(model));
  const words = useLoaded(() => loadMetadata(model));
  if (!words) return <aside className="model-facts" />;
  const image = previewUrl(model) ?? words.thumbnail;
  // What people wrote down beside the file goes before what the file counts.
  const triggers = facts?.trigger_words.length ? facts.trigger_words : words.triggers;
  const description = words.description ?? facts?.description;
  return (
    <aside className="model-facts" aria-label={model.name}>
      {image && <img src={image} alt="Preview" />}
      <div className="stack tight">
        <h2 className="wrap">{words.title ?? model.name}</h2>
        {words.title && words.title !== model.name && <span className="faint wrap">{model.name}</span>}
      </div>
      <TriggerWords words={triggers} />
      {facts?.error && <Notice text={facts.error} />}
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
