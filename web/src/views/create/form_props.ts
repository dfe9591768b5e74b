import type { NodeTypes } from "../../document/node_types.ts";
import type { QuickForm } from "../../forms/quick.ts";

export interface FormProps {
  types: NodeTypes;
  form: QuickForm;
}
