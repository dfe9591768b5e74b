/** What is in the models' folders, by kind, and what each file says of itself. */
import { useCallback, useState } from "react";
import { Button } from "../../design/button.tsx";
import { Empty } from "../../design/empty.tsx";
import { Icon } from "../../design/icons.tsx";
import type { Model } from "../../service/api_types.ts";
import { imports } from "../../service/model_import.ts";
import { mayRender, projects } from "../../service/projects.ts";
import { useStore } from "../../state/store.ts";
import { kindName } from "./kind_names.ts";
import { ModelFactsPanel } from "./model_facts.tsx";
import { ModelList } from "./model_list.tsx";
import { useImport } from "./use_import.ts";
import { useModels } from "./use_models.ts";

function KindTabs({ models, kind, onKind }: { models: readonly Model[]; kind: string; onKind: (kind: string) => void }) {
  const kinds = [...new Set(["checkpoints", "loras", ...models.map((model) => model.kind)])];
  return (
    <div className="tabs" role="group" aria-label="Kind of model">
      {kinds.map((name) => (
        <button key={name} type="button" aria-pressed={name === kind} onClick={() => onKind(name)}>
          {kindName(name)} <span className="faint">{models.filter((model) => model.kind === name).length}</span>
        </button>
      ))}
    </div>
  );
}

function NoModels({ kind, searched }: { kind: string; searched: boolean }) {
  return (
    <Empty icon="models" title={searched ? "Nothing matches" : `No ${kindName(kind).toLowerCase()} found`}>
      <p>
        Drop files here to import them, or start the server with a models folder of your own, in which they lie in{" "}
        <code className="mono">{kind}</code>:
      </p>
      <code className="mono">./obscura serve --models ~/ComfyUI/models</code>
    </Empty>
  );
}

export function ModelsView() {
  const allowed = useStore(projects, mayRender);
  const importing = useStore(imports, (state) => state.list.length);
  const { models, failure, refresh } = useModels();
  const [kind, setKind] = useState("checkpoints");
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState<Model>();
  const choose = useImport(kind, useCallback((model: Model) => {
    setKind(model.kind);
    setChosen(model);
  }, []));
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const listed = (models ?? []).filter((model) => model.kind === kind && words.every((word) => model.name.toLowerCase().includes(word)));
  const selected = listed.find((model) => model.kind === chosen?.kind && model.name === chosen.name) ?? listed[0];
  const nothing = models && listed.length === 0 && importing === 0;
  return (
    <div className="page">
      <div className="page-head">
        <h1>Models</h1>
        <KindTabs models={models ?? []} kind={kind} onKind={setKind} />
        <span className="grow" />
        <div className="search">
          <Icon name="search" />
          <input type="search" className="field" aria-label="Search models" placeholder="Search" value={query} onChange={(event) => setQuery(event.target.value)} />
        </div>
        {allowed && <Button icon="plus" label="Import" small hint="Or drop files anywhere here" onClick={() => void choose()} />}
        <Button icon="again" label="Refresh" small hint="Read the models' folders again" onClick={refresh} />
      </div>
      <div className="models">
        {failure ? (
          <Empty icon="alert" title="The models cannot be listed">
            <p>{failure}</p>
          </Empty>
        ) : nothing ? (
          <NoModels kind={kind} searched={words.length > 0} />
        ) : (
          <ModelList models={listed} selected={selected} onChoose={setChosen} />
        )}
        {selected && <ModelFactsPanel key={`${selected.kind}/${selected.name}`} model={selected} />}
      </div>
    </div>
  );
}
