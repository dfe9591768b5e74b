/** What is in the models' folders, by kind, and what each file says of itself. */
import { useCallback, useEffect, useState } from "react";
import { chooseFiles } from "../app/download.ts";
import { useDrops } from "../app/drops.ts";
import { useStore } from "../app/store.ts";
import { toast } from "../app/toasts.ts";
import { Button, Empty } from "../design/fields.tsx";
import { Icon } from "../design/icons.tsx";
import { isModelFile } from "../files/model_header.ts";
import { dismissImport, importModel, imports } from "../service/model_import.ts";
import { loadModels, previewUrl, type Model } from "../service/models.ts";
import { mayRender, projects } from "../service/projects.ts";
import { loadTypes, studio } from "../service/studio.ts";
import { bytesText } from "./bytes.ts";
import { kindName, ModelFactsPanel } from "./model_facts.tsx";

/** Files on their way in, and what became of those that were refused. */
function Imports() {
  const list = useStore(imports, (state) => state.list);
  return list.map(({ id, name, kind, bytes, sent, checking, error }) => (
    <li key={id} className="import card" role={error ? "alert" : undefined}>
      <Icon name={error ? "alert" : "save"} />
      <div className="grow stack">
        <span className="row spread">
          <span className="clip" title={name}>{name}</span>
          <span className="faint">{error ? kindName(kind) : checking ? "Reading it…" : `${bytesText(sent)} of ${bytesText(bytes)} into ${kindName(kind)}`}</span>
        </span>
        {error ? (
          <span className="job-error wrap">{error}</span>
        ) : (
          <div className="bar" role="progressbar" aria-label={`Import of ${name}`} aria-valuenow={sent} aria-valuemax={bytes}>
            <span style={{ transform: `scaleX(${bytes > 0 ? sent / bytes : 0})` }} />
          </div>
        )}
      </div>
      <Button icon="close" label={error ? "Dismiss" : `Stop the import of ${name}`} bare small kind="quiet" onClick={() => dismissImport(id)} />
    </li>
  ));
}

function ModelPicture({ model }: { model: Model }) {
  const url = previewUrl(model);
  return <span className="model-picture">{url ? <img src={url} alt="" loading="lazy" decoding="async" draggable={false} /> : <Icon name="models" />}</span>;
}

export function ModelsView() {
  const connection = useStore(studio, (state) => state.connection);
  const types = useStore(studio, (state) => state.types);
  const allowed = useStore(projects, mayRender);
  const importing = useStore(imports, (state) => state.list.length);
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
  // The node types are read anew when a model comes in, here or in another tab.
  useEffect(load, [connection, types]);
  const take = useCallback(
    (files: readonly File[]) => {
      const wanted = files.filter((file) => isModelFile(file.name));
      for (const file of wanted) {
        void importModel(file, kind).then((model) => {
          if (!model) return;
          setKind(model.kind);
          setChosen(model);
          toast(`${model.name} is there.`);
        });
      }
      return wanted.length > 0;
    },
    [kind],
  );
  const choose = async () => {
    const files = await chooseFiles(".safetensors,.sft,.ckpt,.pt,.pth,.bin", true);
    if (files.length > 0 && !take(files)) toast("Model files end in .safetensors, .sft, .ckpt, .pt, .pth or .bin.", "bad");
  };
  useDrops("Drop model files to import them", take);
  const kinds = [...new Set(["checkpoints", "loras", ...(models ?? []).map((model) => model.kind)])];
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const listed = (models ?? []).filter((model) => model.kind === kind && words.every((word) => model.name.toLowerCase().includes(word)));
  const selected = listed.find((model) => model.kind === chosen?.kind && model.name === chosen.name) ?? listed[0];
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
        {allowed && <Button icon="plus" label="Import" small hint="Or drop files anywhere here" onClick={() => void choose()} />}
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
        {failure ? null : models && listed.length === 0 && importing === 0 ? (
          <Empty icon="models" title={words.length ? "Nothing matches" : `No ${kindName(kind).toLowerCase()} found`}>
            <p>
              Drop files here to import them, or start the server with a models folder of your own, in which they lie in{" "}
              <code className="mono">{kind}</code>:
            </p>
            <code className="mono">./obscura serve --models ~/ComfyUI/models</code>
          </Empty>
        ) : (
          <ul className="model-list">
            <Imports />
            {listed.map((model) => (
              <li key={model.name}>
                <button type="button" aria-pressed={model === selected} onClick={() => setChosen(model)}>
                  <ModelPicture model={model} />
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
        {selected && <ModelFactsPanel key={`${selected.kind}/${selected.name}`} model={selected} />}
      </div>
    </div>
  );
}
