import { createRoot } from "react-dom/client";
import "@xyflow/react/dist/base.css";
import "../design/styles.css";
import { start } from "../service/events.ts";
import { isWelcome } from "../service/http.ts";
import { hasToken } from "../service/session.ts";
import { studio } from "../service/studio.ts";
import { startTheme } from "../state/theme.ts";
import { restore } from "../workspace/keep_graph.ts";
import { FaultGate, TokenGate } from "./gate.tsx";
import { Shell } from "./shell.tsx";

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
