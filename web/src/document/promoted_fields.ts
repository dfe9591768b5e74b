/**
 * Fields inside subgraphs that ComfyUI's editors of 2025 and early 2026 showed on a subgraph's node by
 * a list, the property proxyWidgets, with the node's values in the list's order. Each becomes an input
 * of the subgraph, which is what newer editors make of them; a value that is missing stays what it is
 * inside.
 */
import { connect, setValue, together } from "./commands.ts";
import { inputName, list, PRIMITIVE, readLink, subgraphEntries } from "./editor_entries.ts";
import { isObject, type Json, type JsonObject } from "./exact_json.ts";
import { type GraphDocument, INPUTS, linkInto, type NodeId, type SubgraphId } from "./model.ts";
import { type InputSpec, inputOf, type NodeTypes } from "./node_types.ts";
import { onPlane, usedSubgraphs } from "./planes.ts";
import { exposeInput, slotInto } from "./subgraph_slots.ts";
import { withSubgraphs } from "./subgraph_types.ts";

/** [node, field], and where subgraphs nest the node that the field belongs to. */
interface Shown {
  readonly node: NodeId;
  readonly field: string;
  readonly owner?: NodeId;
}

/** The node that means the subgraph's own: its field is an input of the subgraph. */
const ITSELF = "-1";
/** What a subgraph that holds itself comes to. */
const MOST_DEPTH = 16;

function shownOn(entry: JsonObject | undefined): (Shown | undefined)[] {
  const properties = isObject(entry?.properties) ? entry.properties : {};
  return list(properties.proxyWidgets).map((item) => {
    const [node, field, owner] = list(item);
    if (node === undefined || typeof field !== "string") return undefined;
    return { node: String(node), field, ...(owner === undefined || owner === null ? {} : { owner: String(owner) }) };
  });
}

function mayHold({ type }: InputSpec, value: Json): boolean {
  if (type === "INT" || type === "FLOAT") return typeof value === "number" || typeof value === "bigint";
  if (type === "BOOLEAN") return typeof value === "boolean";
  return typeof value === "string";
}

class Promotion {
  #document: GraphDocument;
  readonly #types: NodeTypes;
  readonly #planes: ReadonlyMap<SubgraphId | undefined, JsonObject>;

  constructor(document: GraphDocument, file: JsonObject, types: NodeTypes) {
    this.#document = document;
    this.#types = types;
    this.#planes = new Map<SubgraphId | undefined, JsonObject>([
      [undefined, file],
      ...subgraphEntries(file).map((each) => [String(each.id), each] as const),
    ]);
  }

  run(): GraphDocument {
    // Innermost first: what stands inside has its values before they are shown further out.
    for (const plane of [...usedSubgraphs(this.#document).map(({ id }) => id), undefined]) {
      for (const entry of this.#entries(plane)) this.#readNode(plane, entry);
    }
    return this.#document;
  }

  #entries(plane: SubgraphId | undefined): JsonObject[] {
    return list(this.#planes.get(plane)?.nodes).filter(isObject);
  }

  #entry(plane: SubgraphId, node: NodeId): JsonObject | undefined {
    return this.#entries(plane).find((entry) => String(entry.id) === node);
  }

  #readNode(plane: SubgraphId | undefined, entry: JsonObject): void {
    const id = String(entry.type);
    if (!this.#document.subgraphs[id]) return;
    const values = list(entry.widgets_values);
    for (const [place, shown] of shownOn(entry).entries()) {
      const name = shown && this.#input(id, shown);
      if (name === undefined) continue;
      const value = values[place];
      const spec = inputOf(withSubgraphs(this.#document.subgraphs, this.#types).get(id), name);
      if (value === undefined || !spec?.widget || !mayHold(spec, value)) continue;
      this.#document = onPlane(plane, setValue(String(entry.id), name, value))(this.#document);
    }
  }

  /** The name of the input of a subgraph that stands for a field inside it; makes one if there is none. */
  #input(id: SubgraphId, { node, field, owner }: Shown, depth = 0): string | undefined {
    if (depth > MOST_DEPTH) return undefined;
    const subgraph = this.#document.subgraphs[id]!;
    if (node === ITSELF) return subgraph.inputs.find(({ name }) => name === field)?.name;
    const target = subgraph.nodes[node];
    if (!target) return this.#inputOfPrimitive(id, node);
    const inner = this.#document.subgraphs[target.type];
    const name = inner && !inner.inputs.some((slot) => slot.name === field) ? this.#furtherIn(id, inner.id, { node, field, owner }, depth + 1) : field;
    return name === undefined ? undefined : this.#expose(id, node, name);
  }

  /** A field that the node of a subgraph inside shows itself, named as "5: seed" or as "seed". */
  #furtherIn(id: SubgraphId, inner: SubgraphId, { node, field, owner }: Shown, depth: number): string | undefined {
    const prefixed = /^\s*(\d+)\s*:\s*(.+)$/.exec(field);
    if (prefixed) return this.#input(inner, { node: prefixed[1]!, field: prefixed[2]! }, depth);
    const shown = shownOn(this.#entry(id, node)).find((each) => each?.field === field && (owner === undefined || each.node === owner));
    return shown && this.#input(inner, shown, depth);
  }

  #expose(id: SubgraphId, node: NodeId, field: string): string | undefined {
    const types = withSubgraphs(this.#document.subgraphs, this.#types);
    const subgraph = this.#document.subgraphs[id]!;
    if (!inputOf(types.get(subgraph.nodes[node]?.type ?? ""), field)?.widget) return undefined;
    if (linkInto(subgraph, node, field)) return slotInto(subgraph, subgraph, node, field)?.name;
    this.#document = exposeInput(id, types, node, field)(this.#document);
    return this.#document.subgraphs[id]!.inputs.at(-1)!.name;
  }

  /** A primitive's value is that of the fields that it feeds: one input feeds them all. */
  #inputOfPrimitive(id: SubgraphId, node: NodeId): string | undefined {
    if (this.#entry(id, node)?.type !== PRIMITIVE) return undefined;
    const fed = list(this.#planes.get(id)?.links).flatMap((raw) => {
      const link = readLink(raw);
      const target = link?.from === node ? this.#entry(id, link.to) : undefined;
      const field = link && target && inputName(target, this.#types.get(String(target.type)), link.slot);
      return field === undefined ? [] : [{ to: link!.to, field }];
    });
    const [first, ...others] = fed;
    const name = first && this.#expose(id, first.to, first.field);
    if (name === undefined) return undefined;
    const slot = this.#document.subgraphs[id]!.inputs.findIndex((each) => each.name === name);
    const wires = others.map(({ to, field }) => onPlane(id, connect({ node: INPUTS, slot }, to, field)));
    this.#document = together(...wires)(this.#document);
    return name;
  }
}

export function promoteFields(document: GraphDocument, file: JsonObject, types: NodeTypes): GraphDocument {
  return new Promotion(document, file, types).run();
}
