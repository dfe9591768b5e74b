import { defaultsFor, firstForm } from "../../forms/quick.ts";
import { quickPrompt } from "../../forms/quick_prompt.ts";
import type { MemoryPlan, Model } from "../../service/api_types.ts";
import { planMemory } from "../../service/models.ts";
import { studio } from "../../service/studio.ts";
import { sizeText } from "../parts/sizes.ts";
import { useLoaded } from "./use_loaded.ts";

async function planOf(model: Model): Promise<(MemoryPlan & { readonly size: string }) | undefined> {
  const { types } = studio.get();
  if (!types || model.kind !== "checkpoints") return undefined;
  const form = { ...firstForm(types), ...defaultsFor(model.name), model: model.name };
  const plan = await planMemory(quickPrompt(form, types));
  return { ...plan, size: `${form.width} × ${form.height}` };
}

export function MemoryNeed({ model }: { model: Model }) {
  const plan = useLoaded(() => planOf(model));
  if (!plan || plan.budget_bytes <= 0) return null;
  const fits = plan.planned_bytes <= plan.budget_bytes;
  return (
    <section className="stack">
      <dl className="facts">
        <div>
          <dt>Memory for one image of {plan.size}</dt>
          <dd>
            {sizeText(plan.planned_bytes)} <span className="faint">of the {sizeText(plan.budget_bytes)} that it may take</span>
          </dd>
        </div>
      </dl>
      <div className={`bar ${fits ? "" : "over"}`}>
        <span style={{ transform: `scaleX(${Math.min(1, plan.planned_bytes / plan.budget_bytes)})` }} />
      </div>
    </section>
  );
}
