import { Button } from "../../design/button.tsx";
import { Dialog } from "../../design/dialog.tsx";

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

export function KeysDialog({ onClose }: { onClose: () => void }) {
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
