/** A menu at a point of the screen, for mouse and keyboard. */
import { useEffect, useLayoutEffect, useRef } from "react";
import { Icon, type IconName } from "./icons.tsx";

export type MenuItem =
  | { readonly label: string; readonly icon?: IconName; readonly keys?: string; readonly disabled?: boolean; readonly act: () => void }
  | "line";

export interface MenuAt {
  readonly x: number;
  readonly y: number;
  readonly label: string;
  readonly items: readonly MenuItem[];
}

export function Menu({ at, onClose }: { at: MenuAt; onClose: () => void }) {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const menu = element.current!;
    const { width, height } = menu.getBoundingClientRect();
    menu.style.left = `${Math.max(4, Math.min(at.x, innerWidth - width - 8))}px`;
    menu.style.top = `${Math.max(4, Math.min(at.y, innerHeight - height - 8))}px`;
    menu.querySelector("button")?.focus();
  }, [at]);
  useEffect(() => {
    const outside = (event: Event) => {
      if (!element.current?.contains(event.target as Node)) onClose();
    };
    addEventListener("pointerdown", outside, true);
    return () => removeEventListener("pointerdown", outside, true);
  }, [onClose]);
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === "Escape" || event.key === "Tab") onClose();
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const buttons = [...element.current!.querySelectorAll<HTMLButtonElement>("button:not(:disabled)")];
    const next = buttons.indexOf(document.activeElement as HTMLButtonElement) + step;
    buttons[(next + buttons.length) % buttons.length]?.focus();
  };
  return (
    <div className="menu" role="menu" aria-label={at.label} ref={element} onKeyDown={onKeyDown} onContextMenu={(event) => event.preventDefault()}>
      {at.items.map((item, index) =>
        item === "line" ? (
          <hr key={index} />
        ) : (
          <button
            key={item.label}
            type="button"
            role="menuitem"
            disabled={item.disabled}
            onClick={() => {
              onClose();
              item.act();
            }}
          >
            {item.icon && <Icon name={item.icon} />}
            <span>{item.label}</span>
            {item.keys && <kbd>{item.keys}</kbd>}
          </button>
        ),
      )}
    </div>
  );
}
