import { useEffect, useRef, useState } from "react";

/** What comes of `load`, while the component stands; nothing where it fails. */
export function useLoaded<T>(load: () => Promise<T>): T | undefined {
  const [loaded, setLoaded] = useState<T>();
  // The panel has a key: another model is another panel.
  const first = useRef(load);
  useEffect(() => {
    let here = true;
    first.current()
      .then((found) => here && setLoaded(found))
      .catch(() => undefined);
    return () => {
      here = false;
    };
  }, []);
  return loaded;
}
