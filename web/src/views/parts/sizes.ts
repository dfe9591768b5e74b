const UNITS = ["KiB", "MiB", "GiB", "TiB"];

/** A number of bytes as people read it, with one digit: "300.0 MiB". */
export function sizeText(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 0) return "–";
  let [value, unit] = [bytes / 1024, 0];
  // What would be rounded to 1024.0 is one of the next unit.
  while (value >= 1023.95 && unit < UNITS.length - 1) {
    value /= 1024;
    ++unit;
  }
  return `${value.toFixed(1)} ${UNITS[unit]}`;
}
