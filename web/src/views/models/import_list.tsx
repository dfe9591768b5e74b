import { Button } from "../../design/button.tsx";
import { Icon } from "../../design/icons.tsx";
import { dismissImport, imports } from "../../service/model_import.ts";
import { useStore } from "../../state/store.ts";
import { sizeText } from "../parts/sizes.ts";
import { kindName } from "./kind_names.ts";

/** Files on their way in, and what became of those that were refused. */
export function ImportList() {
  const list = useStore(imports, (state) => state.list);
  return list.map(({ id, name, kind, bytes, sent, checking, error }) => (
    <li key={id} className="import card" role={error ? "alert" : undefined}>
      <Icon name={error ? "alert" : "save"} />
      <div className="grow stack">
        <span className="row spread">
          <span className="clip" title={name}>{name}</span>
          <span className="faint">{error ? kindName(kind) : checking ? "Reading it…" : `${sizeText(sent)} of ${sizeText(bytes)} into ${kindName(kind)}`}</span>
        </span>
        {error ? (
          <span className="job-error wrap">{error}</span>
        ) : (
          <div className="bar" role="progressbar" aria-label={`Import of ${name}`} aria-valuenow={sent} aria-valuemax={bytes}>
            <span style={{ transform: `scaleX(${bytes > 0 ? sent / bytes : 0})` }} />
          </div>
        )}
      </div>
      <Button icon="close" label={error ? "Dismiss" : `Cancel the import of ${name}`} bare small kind="quiet" onClick={() => dismissImport(id)} />
    </li>
  ));
}
