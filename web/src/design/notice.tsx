import type { ReactNode } from "react";
import { Icon } from "./icons.tsx";

export function Notice({ children }: { children: ReactNode }) {
  return (
    <div className="notice" role="alert">
      <Icon name="alert" />
      <div className="grow">{children}</div>
    </div>
  );
}
