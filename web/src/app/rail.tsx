/** The way to every screen. */
import { Icon } from "../design/icons.tsx";
import { studio } from "../service/studio.ts";
import { SCREENS, type Screen } from "../state/routes.ts";
import { useStore } from "../state/store.ts";
import { theme, toggleTheme } from "../state/theme.ts";
import { ProjectButton } from "./project_button.tsx";

function QueueBadge() {
  const waiting = useStore(studio, (state) => state.queue.length);
  const running = useStore(studio, (state) => state.running);
  const at = running?.node === undefined ? undefined : running.nodes[running.node];
  return (
    <>
      {waiting > 0 && <span className="count">{waiting}</span>}
      {running && (
        <span className="bar">
          <span style={{ transform: `scaleX(${at && at.max > 0 ? at.value / at.max : 0})` }} />
        </span>
      )}
    </>
  );
}

export function Rail({ screen }: { screen: Screen }) {
  const name = useStore(theme, (state) => state.name);
  return (
    <nav className="rail" aria-label="Screens">
      <span className="rail-mark" title="Obscura">
        <Icon name="aperture" />
      </span>
      {SCREENS.map(({ id, label }) => (
        <a key={id} href={`#/${id}`} aria-current={id === screen ? "page" : undefined}>
          <Icon name={id} />
          <span>{label}</span>
          {id === "queue" && <QueueBadge />}
        </a>
      ))}
      <span className="spacer" />
      <ProjectButton />
      <button type="button" className="rail-button" onClick={toggleTheme}>
        <Icon name={name === "dark" ? "sun" : "moon"} />
        <span>{name === "dark" ? "Light" : "Dark"}</span>
      </button>
    </nav>
  );
}
