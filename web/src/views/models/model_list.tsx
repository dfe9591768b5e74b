import { Icon } from "../../design/icons.tsx";
import type { Model } from "../../service/api_types.ts";
import { previewUrl } from "../../service/models.ts";
import { sizeText } from "../parts/sizes.ts";
import { ImportList } from "./import_list.tsx";

function ModelImage({ model }: { model: Model }) {
  const url = previewUrl(model);
  return <span className="model-image">{url ? <img src={url} alt="" loading="lazy" decoding="async" draggable={false} /> : <Icon name="models" />}</span>;
}

function ModelRow({ model, selected, onChoose }: { model: Model; selected: boolean; onChoose: (model: Model) => void }) {
  return (
    <li>
      <button type="button" aria-pressed={selected} onClick={() => onChoose(model)}>
        <ModelImage model={model} />
        <span className="grow stack tight">
          <span className="clip" title={model.name}>{model.name}</span>
          <span className="faint">{model.inside ? "inside the program" : new Date(model.modified_ms).toLocaleDateString()}</span>
        </span>
        {model.bytes > 0 && <span className="soft">{sizeText(model.bytes)}</span>}
      </button>
    </li>
  );
}

/** Those on their way in come first. */
export function ModelList({ models, selected, onChoose }: { models: readonly Model[]; selected: Model | undefined; onChoose: (model: Model) => void }) {
  return (
    <ul className="model-list">
      <ImportList />
      {models.map((model) => (
        <ModelRow key={model.name} model={model} selected={model === selected} onChoose={onChoose} />
      ))}
    </ul>
  );
}
