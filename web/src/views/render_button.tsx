/** The button that makes pictures; a viewer sees why it rests. */
import { useStore } from "../app/store.ts";
import { Button } from "../design/fields.tsx";
import { mayRender, projects } from "../service/projects.ts";

export function RenderButton(props: { label?: string; small?: boolean; disabled?: boolean; hint?: string; onClick: () => void }) {
  const allowed = useStore(projects, mayRender);
  const hint = allowed ? props.hint : "You may look at this project, and not render in it";
  return <Button icon="play" label={props.label ?? "Render"} kind="primary" small={props.small} hint={hint} disabled={props.disabled || !allowed} onClick={props.onClick} />;
}
