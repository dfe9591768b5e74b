/** What is in the models' folders, by kind, and what each file says of itself. */
import { useEffect, useState } from "react";
import { useStore } from "../app/store.ts";
import { Button, Empty } from "../design/fields.tsx";
import { Icon } from "../design/icons.tsx";
import { getJson } from "../service/http.ts";
import { loadModels, readFacts, type Model, type ModelFacts } from "../service/models.ts";
import { loadTypes, studio } from "../service/studio.ts";
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

const kindName = (kind: string): string => KIND_NAMES[kind] ?? kind.replace(/_/g, " ");

function Facts({ model }: { model: Model }) {
  const [facts, setFacts] = useState<ModelFacts>();
  useEffect(() => {
    let here = true;
    getJson(`/view_metadata/${encodeURIComponent(model.kind)}?filename=${encodeURIComponent(model.name)}`)
      .then((json) => here && setFacts(readFacts(json)))
      .catch(() => here && setFacts(readFacts({})));
    return () => {
      here = false;
    };
  }, [model]);
  if (!facts) return null;
  const rows: (readonly [string, string | undefined])[] = [
    ["Kind", kindName(model.kind)],
    ["Size", model.bytes > 0 ? bytesText(model.bytes) : undefined],
    ["Where", model.inside ? "Inside the program" : model.name],
    ["Architecture", facts.architecture],
    ["Resolution", facts.resolution],
    ["Author", facts.author],
    ["Licence", facts.licence],
    ["SHA-256", facts.hash],
  ];
  return (
    <aside className="model-facts">
      {facts.thumbnail && <img src={facts.thumbnail} alt="Preview" />}
      <h2 className="wrap">{facts.title ?? model.name}</h2>
      <dl className="facts">
        {rows.map(([name, value]) =>
          value ? (
            <div key={name}>
              <dt>{name}</dt>
              <dd className={name === "SHA-256" ? "mono" : ""}>{value}</dd>
            </div>
          ) : null,
        )}
      </dl>
      {facts.triggers.length > 0 && (
        <>
          <h3>Trigger words</h3>
          <p className="triggers">
            {facts.triggers.map((word) => (
              <button key={word} type="button" className="chip" title="Copy" onClick={() => void navigator.clipboard?.writeText(word)}>
                {word}
              </button>
            ))}
          </p>
        </>
      )}
      {facts.description && <p className="soft wrap">{facts.description}</p>}
      {facts.empty && <p className="faint">The file carries no description of itself.</p>}
    </aside>
  );
}

export function ModelsView() {
  const connection = useStore(studio, (state) => state.connection);
  const [models, setModels] = useState<readonly Model[]>();
  const [kind, setKind] = useState("checkpoints");
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState<Model>();
  const [failure, setFailure] = useState("");
  const load = () =>
    void loadModels()
      .then((found) => {
        setModels(found);
        setFailure("");
      })
      .catch((error: Error) => setFailure(error.message));
  useEffect(load, [connection]);
  const kinds = [...new Set(["checkpoints", "loras", ...(models ?? []).map((model) => model.kind)])];
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const listed = (models ?? []).filter((model) => model.kind === kind && words.every((word) => model.name.toLowerCase().includes(word)));
  const selected = chosen && listed.includes(chosen) ? chosen : listed[0];
  return (
    <div className="page">
      <div className="page-head">
        <h1>Models</h1>
        <div className="tabs" role="group" aria-label="Kind of model">
          {kinds.map((name) => (
            <button key={name} type="button" aria-pressed={name === kind} onClick={() => setKind(name)}>
              {kindName(name)} <span className="faint">{(models ?? []).filter((model) => model.kind === name).length}</span>
            </button>
          ))}
        </div>
        <span className="grow" />
        <div className="search">
          <Icon name="search" />
          <input type="search" className="field" aria-label="Search models" placeholder="Search" value={query} onChange={(event) => setQuery(event.target.value)} />
        </div>
        <Button
          icon="again"
          label="Look again"
          small
          hint="Reads the folders anew"
          onClick={() => {
            load();
            void loadTypes();
          }}
        />
      </div>
      <div className="models">
        {failure && (
          <Empty icon="alert" title="The models cannot be listed">
            <p>{failure}</p>
          </Empty>
        )}
        {failure ? null : models && listed.length === 0 ? (
          <Empty icon="models" title={words.length ? "Nothing matches" : `No ${kindName(kind).toLowerCase()} found`}>
            <p>
              Start the server with your own folder, or put files into <code className="mono">{kind}</code> below it and look again:
            </p>
            <code className="mono">./obscura serve --models ~/ComfyUI/models</code>
          </Empty>
        ) : (
          <ul className="model-list">
            {listed.map((model) => (
              <li key={model.name}>
                <button type="button" aria-pressed={model === selected} onClick={() => setChosen(model)}>
                  <Icon name="models" />
                  <span className="grow stack tight">
                    <span className="clip" title={model.name}>{model.name}</span>
                    <span className="faint">{model.inside ? "inside the program" : new Date(model.modified_ms).toLocaleDateString()}</span>
                  </span>
                  {model.bytes > 0 && <span className="soft">{bytesText(model.bytes)}</span>}
                </button>
              </li>
            ))}
          </ul>
        )}
        {selected && <Facts key={`${selected.kind}/${selected.name}`} model={selected} />}
      </div>
    </div>
  );
}
