/** Search for a node type to add. With `accepts`, only types that a dropped wire fits. */
import { useMemo, useRef, useState } from "react";
import { Dialog } from "../../design/dialog.tsx";
import { Icon } from "../../design/icons.tsx";
import type { NodeType, NodeTypes } from "../../document/node_types.ts";
import { searchTypes, type Wanted } from "./search_types.ts";

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
      {/* biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: WAI-ARIA's combobox over a list. */}
      <ul id="palette-list" role="listbox" aria-label="Nodes" ref={list} tabIndex={-1}>
        {found.map((type, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/useFocusableInteractive: the combobox keeps the focus and takes the keys.
          <li
            key={type.id}
            id={`palette-${index}`}
            // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: as above.
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
