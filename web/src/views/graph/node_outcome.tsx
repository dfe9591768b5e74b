/** What a node has to show: progress, images, errors. */
import { Icon } from "../../design/icons.tsx";
import { imageKey, imageUrl } from "../../service/images.ts";
import type { NodeProgress } from "../../service/running.ts";
import { inspectImage } from "../../workspace/inspected.ts";
import { useNodeErrors, useNodeImages, useOwnPreview } from "./node_images.ts";

export function NodeImages({ id, isOutput }: { id: string; isOutput: boolean }) {
  const images = useNodeImages(id);
  const preview = useOwnPreview(id);
  if (preview) return <img className="node-image" src={preview} alt="Preview" draggable={false} />;
  if (!isOutput || images.length === 0) return null;
  return (
    <div className={images.length > 1 ? "node-images many" : "node-images"}>
      {images.map((image) => (
        <button key={imageKey(image)} type="button" className="nodrag" aria-label={`View ${image.filename}`} onClick={() => inspectImage(image)}>
          <img className="node-image" src={imageUrl(image)} alt="" draggable={false} />
        </button>
      ))}
    </div>
  );
}

export function NodeMessages({ id }: { id: string }) {
  const messages = useNodeErrors(id);
  if (!messages) return null;
  return (
    <ul className="node-errors" role="alert">
      {[...new Set(messages.split("\n"))].map((message) => (
        <li key={message}>
          <Icon name="alert" />
          <span>{message}</span>
        </li>
      ))}
    </ul>
  );
}

export function NodeProgressBar({ progress }: { progress: NodeProgress }) {
  return (
    <div className="node-progress" role="progressbar" aria-label="Progress" aria-valuenow={progress.value} aria-valuemax={progress.max}>
      <span style={{ transform: `scaleX(${progress.max > 0 ? progress.value / progress.max : 0})` }} />
    </div>
  );
}
