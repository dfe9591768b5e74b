import { useState, useSyncExternalStore } from "react";
import { useStore } from "../../app/store.ts";
import { leaveTo, workspace } from "../../app/workspace.ts";
import { Button, Dialog } from "../../design/fields.tsx";
import { Icon } from "../../design/icons.tsx";
import { Menu, type MenuAt } from "../../design/menu.tsx";
import { RenderButton } from "../render_button.tsx";
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

export function GraphEmpty({ onAdd, onOpen }: { onAdd: () => void; onOpen: () => void }) {
  return (
    <div className="graph-empty">
      <Icon name="graph" />
      <h2>An empty graph</h2>
      <p className="soft">Double-click to add a node, or drop a workflow or a picture that carries one.</p>
      <div className="row">
        <Button icon="plus" label="Add a node" kind="primary" onClick={onAdd} />
        <Button icon="folder" label="Open a file" onClick={onOpen} />
      </div>
    </div>
  );
}

const KEYS: readonly (readonly [string, string])[] = [
  ["A, or double-click", "Add a node"],
  ["Ctrl Enter", "Render"],
  ["Ctrl Z · Ctrl Y", "Undo · redo"],
  ["Ctrl C · X · V", "Copy · cut · paste"],
  ["Ctrl A", "Select all"],
  ["Shift or Ctrl, and drag", "Select by a frame"],
  ["Space, and drag", "Move the canvas"],
  ["Del", "Delete"],
  ["Ctrl M · Ctrl B", "Mute · bypass"],
  ["Alt C", "Collapse"],
  ["Ctrl G", "Group"],
  ["Ctrl Shift E", "Make a subgraph"],
  ["Double-click · Esc", "Enter · leave a subgraph"],
  ["L · F", "Arrange · see all"],
  ["Ctrl O · Ctrl S", "Open · save"],
  ["Double-click a wire", "Add a reroute"],
  ["Arrows", "Move what is selected"],
];

export function Shortcuts({ onClose }: { onClose: () => void }) {
  return (
    <Dialog label="Keys" className="keys" onClose={onClose}>
      <div className="row spread">
        <h1>Keys</h1>
        <Button icon="close" label="Close" bare small kind="quiet" onClick={onClose} />
      </div>
      <dl>
        {KEYS.map(([keys, what]) => (
          <div className="row spread" key={keys}>
            <dt>{what}</dt>
            <dd>
              <kbd>{keys}</kbd>
            </dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
