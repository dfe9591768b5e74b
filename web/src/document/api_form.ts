/** ComfyUI's API form: what the engine runs. Nodes by id, each input a value or [node, slot]. */
import { isObject, type Json, type JsonObject } from "./exact_json.ts";
import { layOut } from "./layout.ts";
import { type GraphDocument, type GraphNode, type Link, linkInto, type NodeId, nodesOf } from "./model.ts";
import { initialValues, isVirtual, type NodeTypes, typesMatch } from "./node_types.ts";
import { withSubgraphs } from "./subgraph_types.ts";
import { flatten } from "./subgraphs.ts";
import { type Output, sourceOf } from "./wiring.ts";

export interface PromptNode {
  class_type: string;
  inputs: JsonObject;
  _meta?: { title: string };
}
export type Prompt = Record<NodeId, PromptNode>;

/** Where a wire really comes from: behind reroutes, and through bypassed nodes. */
function liveSource(document: GraphDocument, types: NodeTypes, output: Output): Output | undefined {
  let at = sourceOf(document, output);
  for (let steps = 0; at && steps < 1000; ++steps) {
    const node: GraphNode | undefined = document.nodes[at.node];
    if (!node || node.mode === "muted") return undefined;
    if (node.mode === "active") return at;
    const link = throughBypassed(document, types, node, at.slot);
    at = link && sourceOf(document, { node: link.from, slot: link.output });
  }
  return undefined;
}

/** The input that a bypassed node hands on: the one in the output's own place first. */
function throughBypassed(document: GraphDocument, types: NodeTypes, node: GraphNode, slot: number): Link | undefined {
  const type = types.get(node.type);
  const wanted = type?.outputs[slot]?.type;
  if (!type || wanted === undefined) return undefined;
  const sockets = type.inputs.filter((input) => !input.widget);
  const same = sockets[slot];
  for (const input of same ? [same, ...sockets] : sockets) {
    if (!typesMatch(input.type, wanted)) continue;
    const link = linkInto(document, node.id, input.name);
    if (link) return link;
  }
  return undefined;
}

export function toPrompt(original: GraphDocument, given: NodeTypes): Prompt {
  const types = withSubgraphs(original.subgraphs, given);
  const document = flatten(original);
  const prompt: Prompt = {};
  for (const node of nodesOf(document)) {
    if (isVirtual(node.type) || node.mode !== "active") continue;
    const type = types.get(node.type);
    const inputs: JsonObject = {};
    for (const name of type ? type.inputs.map((input) => input.name) : Object.keys(node.values)) {
      const link = linkInto(document, node.id, name);
      const source = link && liveSource(document, types, { node: link.from, slot: link.output });
      if (source) inputs[name] = [source.node, source.slot];
      else if (!link && node.values[name] !== undefined) inputs[name] = node.values[name];
    }
    prompt[node.id] = { class_type: node.type, inputs };
    if (node.title) prompt[node.id]!._meta = { title: node.title };
  }
  return prompt;
}

export function isPrompt(json: Json): json is JsonObject {
  if (!isObject(json)) return false;
  const nodes = Object.values(json);
  return nodes.length > 0 && nodes.every((node) => isObject(node) && typeof node.class_type === "string");
}

function isLink(value: Json): value is [string | number, number] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    (typeof value[0] === "string" || typeof value[0] === "number") &&
    typeof value[1] === "number"
  );
}

/** Laid out afresh, since this form has no places. */
export function fromPrompt(json: JsonObject, types: NodeTypes): GraphDocument {
  const nodes: Record<NodeId, GraphNode> = {};
  const links: Record<string, Link> = {};
  let nextLink = 1;
  for (const [id, entry] of Object.entries(json)) {
    if (!isObject(entry)) continue;
    const type = types.get(String(entry.class_type));
    const values: Record<string, Json> = type ? initialValues(type) : {};
    for (const [name, value] of Object.entries(isObject(entry.inputs) ? entry.inputs : {})) {
      if (isLink(value) && json[String(value[0])] !== undefined) {
        const link = String(nextLink++);
        links[link] = { id: link, from: String(value[0]), output: value[1], to: id, input: name };
      } else {
        values[name] = value;
      }
    }
    const title = isObject(entry._meta) && typeof entry._meta.title === "string" ? entry._meta.title : undefined;
    const own = title !== undefined && title !== type?.label ? title : undefined;
    nodes[id] = { id, type: String(entry.class_type), at: { x: 0, y: 0 }, values, mode: "active", title: own };
  }
  return layOut({ nodes, links, groups: {}, subgraphs: {} }, types);
}
