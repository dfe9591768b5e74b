import { useState, useSyncExternalStore } from "react";
import { Button } from "../../design/button.tsx";
import { Menu, type MenuAt } from "../../design/menu.tsx";
import { useStore } from "../../state/store.ts";
import { workspace } from "../../workspace/graph.ts";
import { RenderButton } from "../parts/render_button.tsx";
import type { Acts } from "./shortcuts.ts";

export function Toolbar({ acts, chosen }: { acts: Acts; chosen: number }) {
  const editor = useStore(workspace, (state) => state.editor);
  const name = useStore(workspace, (state) => state.name);
  const undo = useSyncExternalStore(editor.subscribe, () => editor.undoLabel);
  const redo = useSyncExternalStore(editor.subscribe, () => editor.redoLabel);
  const [menu, setMenu] = useState<MenuAt>();
  return (
    <div className="toolbar" role="toolbar" aria-label="Graph">
      <div className="toolbar-part">
        <Button icon="plus" label="Add node" small onClick={acts.add} hint="Add a node (A, or double-click the canvas)" />
        <Button icon="undo" label={undo ? `Undo ${undo}` : "Undo"} bare small kind="quiet" disabled={!undo} onClick={acts.undo} />
        <Button icon="redo" label={redo ? `Redo ${redo}` : "Redo"} bare small kind="quiet" disabled={!redo} onClick={acts.redo} />
        <Button icon="layout" label="Arrange (L)" bare small kind="quiet" onClick={acts.arrange} />
        <Button icon="fit" label="See all (F)" bare small kind="quiet" onClick={acts.fit} />
        <Button icon="frame" label="Group (Ctrl G)" bare small kind="quiet" disabled={chosen === 0} onClick={acts.group} />
        <Button icon="subgraph" label="Make a subgraph (Ctrl Shift E)" bare small kind="quiet" disabled={chosen === 0} onClick={acts.subgraph} />
        <Button icon="help" label="Keys (?)" bare small kind="quiet" onClick={acts.help} />
      </div>
      <div className="toolbar-part">
        <input
          className="graph-name clip"
          aria-label="Name of the graph"
          value={name}
          onChange={(event) => workspace.set({ name: event.target.value })}
        />
        <Button icon="folder" label="Open (Ctrl O)" bare small kind="quiet" onClick={acts.open} />
        <Button
          icon="save"
          label="Save"
          bare
          small
          kind="quiet"
          onClick={(event) => {
            const { left, bottom } = event.currentTarget.getBoundingClientRect();
            setMenu({
              x: left,
              y: bottom + 6,
              label: "Save",
              items: [
                { label: "Save the graph", keys: "Ctrl S", act: acts.save },
                { label: "Save for the API", act: acts.saveApi },
                "line",
                { label: "Clear what is shown", icon: "trash", act: acts.clear },
              ],
            });
          }}
        />
        <RenderButton small onClick={acts.render} hint="Ctrl Enter" />
      </div>
      {menu && <Menu at={menu} onClose={() => setMenu(undefined)} />}
    </div>
  );
}

