import { Icon } from "./icons.tsx";

/** Something that went wrong, read out when it appears. */
export function Notice({ text, className = "" }: { text: string | undefined; className?: string }) {
  return (
    <div className={`notice ${className}`} role="alert">
      <Icon name="alert" />
      <span>{text}</span>
    </div>
  );
}
