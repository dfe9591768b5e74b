/** What jobs of the open graph have to show on its nodes; on a subgraph's node, what is within. */
import type { NodeId } from "../../document/model.ts";
import type { ImageFile } from "../../service/images.ts";
import type { NodeProgress } from "../../service/running.ts";
import { studio } from "../../service/studio.ts";
import { useStore } from "../../state/store.ts";
import { workspace } from "../../workspace/graph.ts";

const NO_IMAGES: readonly ImageFile[] = [];

export const isWithin = (id: NodeId, outer: NodeId): boolean => id === outer || id.startsWith(`${outer}:`);

type Outputs = Readonly<Record<NodeId, readonly ImageFile[]>>;

function ofNode(outputs: Outputs | undefined, id: NodeId): readonly ImageFile[] | undefined {
  if (!outputs) return undefined;
  return outputs[id] ?? Object.entries(outputs).find(([node]) => isWithin(node, id))?.[1];
}

/** `id` is the engine's. Of the newest job in which it showed something. */
export function imagesOf(id: NodeId): readonly ImageFile[] {
  const { shown, finished } = studio.get();
  for (const job of workspace.get().jobs.toReversed()) {
    const images = ofNode(shown[job], id) ?? ofNode(finished.find((done) => done.id === job)?.outputs, id);
    if (images) return images;
  }
  return NO_IMAGES;
}

export function useNodeImages(id: NodeId): readonly ImageFile[] {
  useStore(workspace, (state) => state.jobs);
  return useStore(studio, () => imagesOf(id));
}

export function useOwnProgress(id: NodeId): NodeProgress | undefined {
  const jobs = useStore(workspace, (state) => state.jobs);
  return useStore(studio, ({ running }) => {
    if (!running || !jobs.includes(running.job)) return undefined;
    return running.nodes[id] ?? Object.entries(running.nodes).find(([node, { state }]) => state === "running" && isWithin(node, id))?.[1];
  });
}

export function useOwnPreview(id: NodeId): string | undefined {
  const jobs = useStore(workspace, (state) => state.jobs);
  return useStore(studio, ({ running }) =>
    running?.previewNode !== undefined && isWithin(running.previewNode, id) && jobs.includes(running.job) ? running.preview : undefined,
  );
}

/** One message a line, so that the same errors are the same text. */
export function useNodeErrors(id: NodeId): string {
  const jobs = useStore(workspace, (state) => state.jobs);
  const refused = useStore(workspace, ({ errors }) =>
    Object.entries(errors)
      .flatMap(([node, list]) => (isWithin(node, id) ? list.map(({ message }) => message) : []))
      .join("\n"),
  );
  const failed = useStore(studio, ({ finished }) => {
    const last = jobs.at(-1);
    const error = last === undefined ? undefined : finished.find((job) => job.id === last)?.error;
    return error?.node !== undefined && isWithin(error.node, id) ? error.message : "";
  });
  return [refused, failed].filter(Boolean).join("\n");
}
