/** Search for a node type to add. With `accepts`, only types that a dropped wire fits. */
import { useMemo, useRef, useState } from "react";
import { Dialog } from "../../design/fields.tsx";
import { Icon } from "../../design/icons.tsx";
import { typesMatch, type NodeType, type NodeTypes } from "../../document/node_types.ts";

export interface Wanted {
  /** The type that comes down the wire, or that is to go up it. */
  readonly type: string;
  readonly side: "input" | "output";
}

function fits(type: NodeType, wanted: Wanted): boolean {
  return wanted.side === "input"
    ? type.inputs.some((input) => typesMatch(wanted.type, input.type))
    : type.outputs.some((output) => typesMatch(output.type, wanted.type));
}

/** What graphs are mostly made of comes before the rest. */
const COMMON = [
  "CheckpointLoaderSimple", "CLIPTextEncode", "EmptyLatentImage", "KSampler", "VAEDecode", "SaveImage",
  "LoraLoader", "LoadImage", "VAEEncode", "PreviewImage", "LatentUpscaleBy", "ImageScale",
];

/** Every word must occur; matches in the name come first, at its beginning before all. */
export function searchTypes(types: NodeTypes, query: string, wanted?: Wanted): NodeType[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const scored: [number, NodeType][] = [];
  for (const type of types.values()) {
    if (wanted && !fits(type, wanted)) continue;
    const name = `${type.label} ${type.id}`.toLowerCase();
    const all = `${name} ${type.category} ${type.description}`.toLowerCase();
    if (!words.every((word) => all.includes(word))) continue;
    const common = COMMON.indexOf(type.id);
    let score = (type.deprecated ? 50 : 0) + (common < 0 ? 0.9 : common / 100);
    for (const word of words) score += name.startsWith(word) ? 0 : name.includes(word) ? 1 : 10;
    scored.push([score, type]);
  }
  return scored.sort((a, b) => a[0] - b[0] || a[1].label.localeCompare(b[1].label)).map(([, type]) => type);
}

export function Palette(props: { types: NodeTypes; wanted?: Wanted; onChoose: (type: NodeType) => void; onClose: () => void }) {
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(0);
  const found = useMemo(() => searchTypes(props.types, query, props.wanted), [props.types, props.wanted, query]);
  const list = useRef<HTMLUListElement>(null);
  const move = (to: number) => {
    const next = Math.max(0, Math.min(found.length - 1, to));
    setActive(next);
    list.current?.children[next]?.scrollIntoView({ block: "nearest" });
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === "ArrowDown") move(active + 1);
    else if (event.key === "ArrowUp") move(active - 1);
    else if (event.key === "Enter" && found[active]) props.onChoose(found[active]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog label="Add a node" className="palette" onClose={props.onClose}>
      <div className="palette-search">
        <Icon name="search" />
        <input
          autoFocus
          role="combobox"
          aria-label="Search nodes"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={found[active] ? `palette-${active}` : undefined}
          placeholder={props.wanted ? `Nodes for ${props.wanted.type}` : "Search nodes"}
          value={query}
          onChange={(event) => {
            setQuery(event.target.value);
            setActive(0);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <ul id="palette-list" role="listbox" aria-label="Nodes" ref={list} tabIndex={-1}>
        {found.map((type, index) => (
          <li
            key={type.id}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === active}
            onMouseMove={() => setActive(index)}
            onClick={() => props.onChoose(type)}
          >
            <span className="row spread">
              <strong className="clip">{type.label}</strong>
              <span className="faint clip">{type.category}</span>
            </span>
            <span className="soft clip">{type.description}</span>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="palette-none soft">No node fits “{query}”.</p>}
    </Dialog>
  );
}
