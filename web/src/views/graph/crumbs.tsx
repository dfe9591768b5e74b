import { Button } from "../../design/button.tsx";
import { useStore } from "../../state/store.ts";
import { leaveTo, workspace } from "../../workspace/graph.ts";

/** The way from the whole graph to the subgraph that is open. */
export function Crumbs({ names }: { names: readonly string[] }) {
  const name = useStore(workspace, (state) => state.name);
  const all = [name || "Untitled", ...names];
  return (
    <nav className="crumbs" aria-label="Where in the graph">
      <Button icon="up" label="Leave the subgraph (Esc)" bare small kind="quiet" onClick={() => leaveTo(all.length - 2)} />
      <ol>
        {all.map((each, depth) => (
          <li key={depth}>
            <button type="button" className="clip" title={each} aria-current={depth === all.length - 1 ? "location" : undefined} onClick={() => leaveTo(depth)}>
              {each}
            </button>
          </li>
        ))}
      </ol>
    </nav>
  );
}
