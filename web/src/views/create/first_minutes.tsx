/** What a newcomer sees before there is an image: four steps, the first of them one button. */
import { useState } from "react";
import { Button } from "../../design/button.tsx";
import { show } from "../../state/routes.ts";
import { changeForm, renderForm } from "../../workspace/quick_form.ts";

const COMMAND = "./obscura serve --models ~/ComfyUI/models";

function CopyCommand() {
  const [copied, setCopied] = useState(false);
  return (
    <span className="copy">
      <code className="mono">{COMMAND}</code>
      <Button
        icon={copied ? "check" : "copy"}
        label={copied ? "Copied" : "Copy"}
        bare
        small
        kind="quiet"
        onClick={() => void navigator.clipboard?.writeText(COMMAND).then(() => setCopied(true))}
      />
    </span>
  );
}

export function FirstMinutes() {
  return (
    <div className="first">
      <h1>Welcome to Obscura</h1>
      <p className="soft">Everything runs on this machine, and nothing leaves it. A small model is inside, so you can start now.</p>
      <ol>
        <li>
          <h2>Make an image</h2>
          <p className="soft">The form on the left is filled in. It takes a few seconds.</p>
          <Button icon="play" label="Render the example" kind="primary" onClick={() => void renderForm()} />
        </li>
        <li>
          <h2>Change the prompt</h2>
          <p className="soft">The small model knows bottles, rings, mugs and more, on marble, sand or velvet.</p>
          <Button
            icon="create"
            label="Try a silver ring at night"
            onClick={() => changeForm({ prompt: "advertising shot of a metallic silver ring on velvet, night" })}
          />
        </li>
        <li>
          <h2>Bring your own models</h2>
          <p className="soft">A models folder of ComfyUI or AUTOMATIC1111 works as it is:</p>
          <CopyCommand />
        </li>
        <li>
          <h2>See how it was made</h2>
          <p className="soft">Each form is a graph. Drop a workflow or an image of ComfyUI anywhere to open it.</p>
          <Button icon="graph" label="Open the graph" onClick={() => show("graph")} />
        </li>
      </ol>
    </div>
  );
}
