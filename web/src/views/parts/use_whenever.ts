import { useEffect, useRef } from "react";

/** Does it at first, and whenever one of `values` is another; where it fails, what was there before stays. */
export function useWhenever(values: readonly unknown[], act: () => Promise<unknown>): void {
  const newest = useRef(act);
  newest.current = act;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the values are those of whoever calls.
  useEffect(() => void newest.current().catch(() => undefined), values);
}
