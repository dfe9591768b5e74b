import { Button } from "../../design/button.tsx";
import { Icon } from "../../design/icons.tsx";

export function GraphEmpty({ onAdd, onOpen }: { onAdd: () => void; onOpen: () => void }) {
  return (
    <div className="graph-empty">
      <Icon name="graph" />
      <h2>An empty graph</h2>
      <p className="soft">Double-click to add a node, or drop a workflow or an image that carries one.</p>
      <div className="row">
        <Button icon="plus" label="Add a node" kind="primary" onClick={onAdd} />
        <Button icon="folder" label="Open a file" onClick={onOpen} />
      </div>
    </div>
  );
}
