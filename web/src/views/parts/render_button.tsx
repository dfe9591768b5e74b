/** The button that makes images; a viewer sees why it rests. */
import { Button } from "../../design/button.tsx";
import { mayRender, projects } from "../../service/projects.ts";
import { useStore } from "../../state/store.ts";

export function RenderButton(props: { label?: string; small?: boolean; disabled?: boolean; hint?: string; onClick: () => void }) {
  const allowed = useStore(projects, mayRender);
  const hint = allowed ? props.hint : "You may look at this project, and not render in it";
  return <Button icon="play" label={props.label ?? "Render"} kind="primary" small={props.small} hint={hint} disabled={props.disabled || !allowed} onClick={props.onClick} />;
}
