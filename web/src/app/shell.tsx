/** What is around every screen: the rail, messages, and a place to drop files on. */
import { lazy, Suspense, useEffect } from "react";
import { studio } from "../service/studio.ts";
import { SCREENS, useScreen } from "../state/routes.ts";
import { useStore } from "../state/store.ts";
import { CreateView } from "../views/create/create_view.tsx";
import { FormView } from "../views/form/form_view.tsx";
import { GalleryView } from "../views/gallery/gallery_view.tsx";
import { GridView } from "../views/grid/grid_view.tsx";
import { ImageViewer } from "../views/image/image_viewer.tsx";
import { ModelsView } from "../views/models/models_view.tsx";
import { QueueView } from "../views/queue/queue_view.tsx";
import { DropTarget } from "./drop_target.tsx";
import { Rail } from "./rail.tsx";
import { ToastList } from "./toast_list.tsx";

/** The node editor is the heavier half of the page, and fetched while the first screen is looked at. */
const loadGraphView = async () => ({ default: (await import("../views/graph/graph_view.tsx")).GraphView });
const GraphView = lazy(loadGraphView);

const VIEWS: Record<string, React.ComponentType> = {
  create: CreateView,
  graph: GraphView,
  form: FormView,
  gallery: GalleryView,
  grid: GridView,
  queue: QueueView,
  models: ModelsView,
};

export function Shell() {
  const screen = useScreen();
  const connection = useStore(studio, (state) => state.connection);
  useEffect(() => {
    const timer = setTimeout(() => void loadGraphView().catch(() => undefined), 500);
    return () => clearTimeout(timer);
  }, []);
  const View = VIEWS[screen] ?? CreateView;
  const title = SCREENS.find(({ id }) => id === screen)?.label ?? "";
  useEffect(() => {
    document.title = `${title} · Obscura`;
  }, [title]);
  return (
    <div className="shell">
      <Rail screen={screen} />
      <main aria-label={title}>
        <Suspense fallback={<p className="waiting soft">Opening…</p>}>
          <View />
        </Suspense>
      </main>
      {connection === "lost" && (
        <div className="lost" role="status">
          <i />
          The server is away. Looking for it…
        </div>
      )}
      <ImageViewer />
      <DropTarget />
      <ToastList />
    </div>
  );
}
