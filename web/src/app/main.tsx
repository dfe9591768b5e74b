import { createRoot } from "react-dom/client";
import "@xyflow/react/dist/base.css";
import "../design/tokens.css";
import "../design/base.css";
import "../design/shell.css";
import "../design/graph.css";
import "../design/create.css";
import "../design/screens.css";
import { start, studio } from "../service/studio.ts";
import { Shell } from "./shell.tsx";
import { startTheme } from "./theme.ts";
import { restore } from "./workspace.ts";

startTheme();
const stop = studio.subscribe(() => {
  const { types } = studio.get();
  if (!types) return;
  stop();
  restore(types);
});
start();
createRoot(document.getElementById("root")!).render(<Shell />);
