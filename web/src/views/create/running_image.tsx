import { Button } from "../../design/button.tsx";
import { Icon } from "../../design/icons.tsx";
import type { Running } from "../../service/running.ts";
import { interrupt } from "../../service/submit.ts";
import { timeLeft } from "../parts/time_left.ts";

export function RunningImage({ running }: { running: Running }) {
  const at = running.node === undefined ? undefined : running.nodes[running.node];
  const share = at && at.max > 0 ? at.value / at.max : 0;
  const left = timeLeft(running);
  return (
    <div className="stage-running">
      {running.preview ? (
        <img className="stage-image" src={running.preview} alt="Preview" />
      ) : (
        <div className="stage-blank">
          <Icon name="aperture" />
        </div>
      )}
      <div className="stage-progress">
        <div className="bar" role="progressbar" aria-label="Progress of the render" aria-valuenow={at?.value ?? 0} aria-valuemax={at?.max ?? 1}>
          <span style={{ transform: `scaleX(${share})` }} />
        </div>
        <span className="soft">
          {at && at.max > 1 ? `Step ${at.value} of ${at.max}` : "Getting ready"}
          {left ? ` · ${left} left` : ""}
        </span>
        <Button icon="stop" label="Interrupt" small onClick={() => void interrupt(running.job)} />
      </div>
    </div>
  );
}
