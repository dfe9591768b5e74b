import { Button } from "../design/button.tsx";
import { Icon } from "../design/icons.tsx";
import { useStore } from "../state/store.ts";
import { dismiss, toasts } from "../state/toasts.ts";

export function ToastList() {
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
