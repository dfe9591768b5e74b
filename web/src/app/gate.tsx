/** What stands before the page: a server that wants a token, or a fault of the page itself. */
import { Component, type ErrorInfo, type ReactNode, useState } from "react";
import { Button } from "../design/button.tsx";
import { Icon } from "../design/icons.tsx";
import { Labelled } from "../design/labelled.tsx";
import { keepToken } from "../service/session.ts";

export function TokenGate({ refused }: { refused: boolean }) {
  const [token, setToken] = useState("");
  const enter = () => {
    keepToken(token.trim());
    location.reload();
  };
  return (
    <main className="gate">
      <form
        className="card"
        onSubmit={(event) => {
          event.preventDefault();
          enter();
        }}
      >
        <span className="rail-mark">
          <Icon name="aperture" />
        </span>
        <h1>This studio asks for a token</h1>
        <p className="soft">It was given with --token when the server was started, or made for you by its owner.</p>
        <Labelled label="Token">
          {(id) => <input id={id} className="field" type="password" autoComplete="current-password" autoFocus value={token} onChange={(event) => setToken(event.target.value)} />}
        </Labelled>
        {refused && <p className="job-error">The server refused that token.</p>}
        <Button label="Enter" kind="primary" disabled={token.trim() === ""} onClick={enter} />
      </form>
    </main>
  );
}

/** A fault in one view leaves a way back; what was being edited is kept in the browser. */
export class FaultGate extends Component<{ children: ReactNode }, { fault?: Error }> {
  override state: { fault?: Error } = {};
  static getDerivedStateFromError(fault: Error) {
    return { fault };
  }
  override componentDidCatch(fault: Error, info: ErrorInfo) {
    console.error(fault, info.componentStack);
  }
  override render() {
    if (!this.state.fault) return this.props.children;
    return (
      <main className="gate">
        <div className="card">
          <h1>This page has a fault</h1>
          <p className="soft">Your graph is kept. Jobs in the queue go on without the page.</p>
          <pre className="mono">{this.state.fault.message}</pre>
          <Button icon="again" label="Load it again" kind="primary" onClick={() => location.reload()} />
        </div>
      </main>
    );
  }
}
