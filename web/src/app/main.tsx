import { createRoot } from "react-dom/client";
import "@xyflow/react/dist/base.css";
import "../design/tokens.css";
import "../design/base.css";
import "../design/shell.css";
import "../design/graph.css";
import "../design/node.css";
import "../design/create.css";
import "../design/gallery.css";
import "../design/screens.css";
import { hasToken, isWelcome } from "../service/http.ts";
import { start, studio } from "../service/studio.ts";
import { FaultGate, TokenGate } from "./gate.tsx";
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
const root = createRoot(document.getElementById("root")!);
if (await isWelcome()) {
  start();
  root.render(
    <FaultGate>
      <Shell />
    </FaultGate>,
  );
} else {
  root.render(<TokenGate refused={hasToken} />);
}
