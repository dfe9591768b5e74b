/** What is around every screen: the rail, messages, and a place to drop files on. */
import { lazy, Suspense, useEffect, useState } from "react";
import { Button } from "../design/fields.tsx";
import { Icon } from "../design/icons.tsx";
import { studio } from "../service/studio.ts";
import { CreateView } from "../views/create/create_view.tsx";
import { FormView } from "../views/form_view.tsx";
import { GalleryView } from "../views/gallery/gallery_view.tsx";
import { GridView } from "../views/grid/grid_view.tsx";
import { QueueView } from "../views/queue_view.tsx";
import { ModelsView } from "../views/models_view.tsx";
import { ProjectButton } from "../views/project_switch.tsx";
import { PictureViewer } from "../views/picture_viewer.tsx";
import { drops } from "./drops.ts";
import { SCREENS, show, useScreen } from "./routes.ts";
import { useStore } from "./store.ts";
import { theme, toggleTheme } from "./theme.ts";
import { dismiss, toasts } from "./toasts.ts";
import { openFile } from "./workspace.ts";

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

function QueueBadge() {
  const waiting = useStore(studio, (state) => state.queue.length);
  const running = useStore(studio, (state) => state.running);
  const at = running?.node === undefined ? undefined : running.nodes[running.node];
  return (
    <>
      {waiting > 0 && <span className="count">{waiting}</span>}
      {running && (
        <span className="bar">
          <span style={{ transform: `scaleX(${at && at.max > 0 ? at.value / at.max : 0})` }} />
        </span>
      )}
    </>
  );
}

function Rail({ screen }: { screen: string }) {
  const name = useStore(theme, (state) => state.name);
  return (
    <nav className="rail" aria-label="Screens">
      <span className="rail-mark" title="Obscura">
        <Icon name="aperture" />
      </span>
      {SCREENS.map(({ id, label, icon }) => (
        <a key={id} href={`#/${id}`} aria-current={id === screen ? "page" : undefined}>
          <Icon name={icon} />
          <span>{label}</span>
          {id === "queue" && <QueueBadge />}
        </a>
      ))}
      <span className="spacer" />
      <ProjectButton />
      <button type="button" className="rail-button" onClick={toggleTheme}>
        <Icon name={name === "dark" ? "sun" : "moon"} />
        <span>{name === "dark" ? "Light" : "Dark"}</span>
      </button>
    </nav>
  );
}

function Toasts() {
  const list = useStore(toasts, (state) => state.list);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {list.map(({ id, text, kind }) => (
        <div key={id} className={`toast ${kind}`}>
          <Icon name={kind === "bad" ? "alert" : "check"} />
          <span>{text}</span>
          <Button icon="close" label="Dismiss" bare small kind="quiet" onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}

/** A file dropped anywhere that nothing else took is a workflow to open. */
function DropTarget() {
  const [over, setOver] = useState(false);
  const hint = useStore(drops, (state) => state.hint);
  useEffect(() => {
    let depth = 0;
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const enter = (event: DragEvent) => {
      if (hasFiles(event)) setOver(++depth > 0);
    };
    const leave = (event: DragEvent) => {
      if (hasFiles(event)) setOver(--depth > 0);
    };
    const drag = (event: DragEvent) => {
      if (hasFiles(event)) event.preventDefault();
    };
    const end = () => {
      depth = 0;
      setOver(false);
    };
    const drop = async (event: DragEvent) => {
      const file = event.dataTransfer?.files[0];
      if (event.defaultPrevented || !file) return;
      event.preventDefault();
      if (drops.get().take?.([...(event.dataTransfer?.files ?? [])])) return;
      if (await openFile(file)) show("graph");
    };
    addEventListener("dragenter", enter);
    addEventListener("dragleave", leave);
    addEventListener("dragover", drag);
    addEventListener("drop", end, true);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragenter", enter);
      removeEventListener("dragleave", leave);
      removeEventListener("dragover", drag);
      removeEventListener("drop", end, true);
      removeEventListener("drop", drop);
    };
  }, []);
  return over ? <div className="drop-over">{hint ?? "Drop to open the graph inside"}</div> : null;
}

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
      <PictureViewer />
      <DropTarget />
      <Toasts />
    </div>
  );
}
