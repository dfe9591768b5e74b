/** A graph as a form: the inputs that were marked on its nodes, and what comes out. */
import { useEffect, useSyncExternalStore } from "react";
import { Button } from "../../design/button.tsx";
import { Empty } from "../../design/empty.tsx";
import { setExposed } from "../../document/commands.ts";
import { linksOf, nodesOf } from "../../document/model.ts";
import { withSubgraphs } from "../../document/subgraph_types.ts";
import { studio } from "../../service/studio.ts";
import { show } from "../../state/routes.ts";
import { useStore } from "../../state/store.ts";
import { edit, leaveTo, workspace } from "../../workspace/graph.ts";
import { renderGraph } from "../../workspace/render_graph.ts";
import { RenderButton } from "../parts/render_button.tsx";
import { exposedInputs, usualInputs } from "./exposed_inputs.ts";
import { Field } from "./form_field.tsx";
import { Outcome } from "./outcome.tsx";

export function FormView() {
  const known = useStore(studio, (state) => state.types);
  const { editor, name } = useStore(workspace, (state) => state);
  const document = useSyncExternalStore(editor.subscribe, () => editor.document);
  // A form is that of the whole graph, and so are its edits.
  useEffect(() => leaveTo(0), []);
  const types = known && withSubgraphs(document.subgraphs, known);
  if (!types) return <p className="waiting soft">Waiting for the server…</p>;
  const nodes = nodesOf(document);
  const items = exposedInputs(document, types);
  if (items.length === 0) {
    const linked = new Set(linksOf(document).map((link) => `${link.to}.${link.input}`));
    const usual = usualInputs(nodes, types, linked);
    return (
      <Empty icon="form" title={nodes.length === 0 ? "No graph is open" : "This graph has no form yet"}>
        <p>In the graph, click the small diamond at the right edge of an input: it appears here, as a slider, a text box or a list.</p>
        <div className="row">
          {usual.length > 0 && (
            <Button
              icon="plus"
              label="Take the usual inputs"
              kind="primary"
              onClick={() => edit("Make a form", (before) => usual.reduce((now, [id, input]) => setExposed(id, input, true)(now), before))}
            />
          )}
          <Button icon="graph" label="Open the graph" onClick={() => show("graph")} />
        </div>
      </Empty>
    );
  }
  return (
    <div className="create">
      <section className="quick" aria-label={`Form of ${name}`}>
        <div className="quick-scroll">
          <h1 className="clip" title={name}>{name}</h1>
          {items.map((item) => (
            <div className="form-item" key={`${item.node.id}.${item.spec.name}`}>
              <Field item={item} />
              <Button icon="close" label={`Take ${item.label} off the form`} bare small kind="quiet" onClick={() => edit("Change the form", setExposed(item.node.id, item.spec.name, false))} />
            </div>
          ))}
        </div>
        <div className="quick-foot">
          <Button icon="graph" label="Show as graph" onClick={() => show("graph")} />
          <RenderButton onClick={() => void renderGraph()} />
        </div>
      </section>
      <section className="stage" aria-label="Images">
        <div className="stage-middle"><Outcome /></div>
      </section>
    </div>
  );
}
