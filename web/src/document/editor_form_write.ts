/** Writes ComfyUI's editor form; see editor_form.ts, which reads it. */
import { widgetsOf } from "./editor_nodes.ts";
import type { Json, JsonObject } from "./exact_json.ts";
import { estimateSize } from "./geometry.ts";
import { freshId, freshNodeId, type GraphDocument, type GraphNode, INPUTS, isBoundary, type Link, linksOf, type Mode, nodesOf, OUTPUTS, type Plane, REROUTE, type Slot, type Subgraph } from "./model.ts";
import type { InputSpec, NodeType, NodeTypes } from "./node_types.ts";
import { usedSubgraphs } from "./planes.ts";
import { withSubgraphs } from "./subgraph_types.ts";
import { typeOfInput, typeOfOutput } from "./wiring.ts";

const MODE_NUMBERS: Record<Mode, number> = { active: 0, muted: 2, bypassed: 4 };

const idOf = (id: string): number | string => (/^-?\d+$/.test(id) ? Number(id) : id);

interface FileSlot {
  readonly name: string;
  readonly type: string;
  readonly widget: boolean;
}

/** A document with the types of its subgraphs, and the slots that its nodes have in the file. */
class PlaneWriter {
  readonly #plane: GraphDocument;
  readonly #types: NodeTypes;
  readonly #links: readonly Link[];
  readonly #slots: ReadonlyMap<string, readonly FileSlot[]>;

  constructor(plane: GraphDocument, types: NodeTypes) {
    this.#plane = plane;
    this.#types = types;
    this.#links = linksOf(plane);
    this.#slots = new Map(nodesOf(plane).map((node) => [node.id, this.#slotsOf(node)]));
  }

  /** Sockets, then fields that a wire feeds; all inputs of a subgraph's node, whose values have their places by them. */
  #slotsOf(node: GraphNode): readonly FileSlot[] {
    if (node.type === REROUTE) return [{ name: "", type: typeOfInput(this.#plane, this.#types, node.id, ""), widget: false }];
    const type = this.#types.get(node.type);
    const linked = this.#links.filter((link) => link.to === node.id).map((link) => link.input);
    if (!type) return linked.map((name) => ({ name, type: "*", widget: false }));
    if (this.#isOuter(node)) return type.inputs;
    return [...type.inputs.filter((input) => !input.widget), ...type.inputs.filter((input) => input.widget && linked.includes(input.name))];
  }

  #isOuter(node: GraphNode): boolean {
    return this.#plane.subgraphs[node.type] !== undefined;
  }

  #values(node: GraphNode, type: NodeType): Json[] {
    const outer = this.#isOuter(node);
    const valuesOf = (input: InputSpec): Json[] => [
      node.values[input.name] ?? input.initial ?? null,
      ...(input.isSeed && !outer ? [node.seedControl ?? "fixed"] : []),
    ];
    const widgets = widgetsOf(type);
    const uploads = !outer && widgets.some((input) => input.imageUpload);
    // The upload button stands after the required fields.
    return [
      ...widgets.filter((input) => input.required).flatMap(valuesOf),
      ...(uploads ? ["image"] : []),
      ...widgets.filter((input) => !input.required).flatMap(valuesOf),
    ];
  }

  #properties(node: GraphNode): JsonObject {
    return {
      ...(this.#isOuter(node) ? {} : { "Node name for S&R": node.type }),
      ...(node.exposed?.length ? { exposed: [...node.exposed] } : {}),
      ...(this.#isOuter(node) && node.seedControl ? { seed_control: node.seedControl } : {}),
    };
  }

  #node(node: GraphNode, order: number): JsonObject {
    const type = this.#types.get(node.type);
    const size = node.size ?? estimateSize(node, this.#types);
    const title = node.title ?? (this.#isOuter(node) ? type?.label : undefined);
    const linkInto = (name: string) => this.#links.find((link) => link.to === node.id && link.input === name);
    return {
      id: idOf(node.id),
      type: node.type,
      pos: [node.at.x, node.at.y],
      size: [size.width, size.height],
      flags: node.collapsed ? { collapsed: true } : {},
      order,
      mode: MODE_NUMBERS[node.mode],
      inputs: this.#slots.get(node.id)!.map(({ name, type: slotType, widget }) => {
        const link = linkInto(name);
        return { name, type: slotType, ...(widget ? { widget: { name } } : {}), link: link ? idOf(link.id) : null };
      }),
      outputs: (type?.outputs ?? []).map((output, index) => ({
        name: output.name,
        type: node.type === REROUTE ? typeOfOutput(this.#plane, this.#types, { node: node.id, slot: 0 }) : output.type,
        links: this.#links.filter((link) => link.from === node.id && link.output === index).map((link) => idOf(link.id)),
        slot_index: index,
      })),
      properties: this.#properties(node),
      widgets_values: type ? this.#values(node, type) : [],
      ...(title ? { title } : {}),
      ...node.look,
    };
  }

  nodes(): JsonObject[] {
    return nodesOf(this.#plane)
      .filter((node) => !isBoundary(node.id))
      .map((node, order) => this.#node(node, order));
  }

  /** [id, from, slot, to, slot, type] for each link whose ends are there. */
  links(): Json[][] {
    return this.#links.flatMap((link): Json[][] => {
      const slot = this.#slots.get(link.to)?.findIndex((candidate) => candidate.name === link.input) ?? -1;
      if (slot < 0) return [];
      const type = typeOfOutput(this.#plane, this.#types, { node: link.from, slot: link.output });
      return [[idOf(link.id), idOf(link.from), link.output, idOf(link.to), slot, type]];
    });
  }

  groups(): JsonObject[] {
    return Object.values(this.#plane.groups).map((group) => ({
      title: group.title,
      bounding: [group.at.x, group.at.y, group.size.width, group.size.height],
      color: group.color ?? "#3f789e",
      flags: {},
    }));
  }
}

const ROW = 20;

function writeSlots(plane: Plane, slots: readonly Slot[], boundary: string): JsonObject[] {
  const at = plane.nodes[boundary]?.at ?? { x: 0, y: 0 };
  return slots.map(({ id, name, type }, index) => {
    const touches = (link: Link) => (boundary === INPUTS ? link.from === INPUTS && link.output === index : link.to === OUTPUTS && link.input === name);
    const linkIds = linksOf(plane).filter(touches).map((link) => idOf(link.id));
    return { id, name, type, linkIds, localized_name: name, pos: [at.x + (boundary === INPUTS ? 108 : 20), at.y + ROW * (index + 1)] };
  });
}

function writeSubgraph(document: GraphDocument, subgraph: Subgraph, types: NodeTypes): JsonObject {
  const { id, name, inputs, outputs, nodes, links, groups } = subgraph;
  const writer = new PlaneWriter({ nodes, links, groups, subgraphs: document.subgraphs }, types);
  const corner = (node: string, slots: readonly Slot[]): Json => {
    const at = nodes[node]?.at ?? { x: 0, y: 0 };
    return [at.x, at.y, 128, ROW * (slots.length + 2)];
  };
  return {
    id,
    version: 1,
    state: { lastGroupId: 0, lastNodeId: Number(freshNodeId(document)) - 1, lastLinkId: Number(freshId(links)) - 1, lastRerouteId: 0 },
    revision: 0,
    config: {},
    name,
    inputNode: { id: Number(INPUTS), bounding: corner(INPUTS, inputs) },
    outputNode: { id: Number(OUTPUTS), bounding: corner(OUTPUTS, outputs) },
    inputs: writeSlots(subgraph, inputs, INPUTS),
    outputs: writeSlots(subgraph, outputs, OUTPUTS),
    widgets: [],
    nodes: writer.nodes(),
    groups: writer.groups(),
    links: writer.links().map(([link, from, output, to, slot, type]) => ({
      id: link!,
      origin_id: from!,
      origin_slot: output!,
      target_id: to!,
      target_slot: slot!,
      type: type!,
    })),
    extra: {},
  };
}

/** Subgraphs that nothing stands for any more are left out. */
export function toEditorForm(document: GraphDocument, given: NodeTypes): JsonObject {
  const types = withSubgraphs(document.subgraphs, given);
  const writer = new PlaneWriter(document, types);
  const subgraphs = usedSubgraphs(document);
  return {
    last_node_id: Number(freshNodeId(document)) - 1,
    last_link_id: Number(freshId(document.links)) - 1,
    nodes: writer.nodes(),
    links: writer.links(),
    groups: writer.groups(),
    ...(subgraphs.length ? { definitions: { subgraphs: subgraphs.map((subgraph) => writeSubgraph(document, subgraph, types)) } } : {}),
    config: {},
    extra: {},
    version: 0.4,
  };
}
