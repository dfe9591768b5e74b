import { Icon, type IconName } from "./icons.tsx";

export function Button(props: {
  icon?: IconName;
  label: string;
  /** Only the icon is drawn; the label is read out and shown as a tip. */
  bare?: boolean;
  kind?: "primary" | "quiet" | "danger" | "";
  small?: boolean;
  pressed?: boolean;
  disabled?: boolean;
  hint?: string;
  onClick?: (event: React.MouseEvent<HTMLButtonElement>) => void;
}) {
  const classes = ["button", props.kind ?? "", props.bare ? "icon" : "", props.small ? "small" : ""].join(" ");
  return (
    <button
      type="button"
      className={classes}
      aria-label={props.bare ? props.label : undefined}
      aria-pressed={props.pressed}
      title={props.hint ?? (props.bare ? props.label : undefined)}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      {props.icon && <Icon name={props.icon} />}
      {!props.bare && <span>{props.label}</span>}
    </button>
  );
}
