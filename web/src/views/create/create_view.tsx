/** The quick form, and beside it what it makes. */
import { useEffect } from "react";
import { studio } from "../../service/studio.ts";
import { useStore } from "../../state/store.ts";
import { loadForm, quick } from "../../workspace/quick_form.ts";
import { QuickFormPanel } from "./quick_form.tsx";
import { Stage } from "./stage.tsx";

export function CreateView() {
  const types = useStore(studio, (state) => state.types);
  const form = useStore(quick, (state) => state.form);
  useEffect(() => {
    if (types) loadForm(types);
  }, [types]);
  if (!types || !form) return <p className="waiting soft">Waiting for the server…</p>;
  return (
    <div className="create">
      <QuickFormPanel types={types} form={form} />
      <Stage form={form} />
    </div>
  );
}
