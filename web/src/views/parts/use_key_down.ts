import { useEffect, useRef } from "react";

/** Keys anywhere on the page, while the component stands; the newest `handle` gets them. */
export function useKeyDown(handle: (event: KeyboardEvent) => void): void {
  const newest = useRef(handle);
  newest.current = handle;
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => newest.current(event);
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, []);
}
