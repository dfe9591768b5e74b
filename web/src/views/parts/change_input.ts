import { setValue } from "../../document/commands.ts";
import type { Json } from "../../document/exact_json.ts";
import type { GraphNode } from "../../document/model.ts";
import type { InputSpec } from "../../document/node_types.ts";
import { edit } from "../../workspace/graph.ts";
import { readable } from "./readable.ts";

export interface InputProps {
  node: GraphNode;
  spec: InputSpec;
  id?: string;
}

export function change({ node, spec }: InputProps, value: Json): void {
  edit(`Set ${readable(spec.name)}`, setValue(node.id, spec.name, value), `${node.id}.${spec.name}`);
}
