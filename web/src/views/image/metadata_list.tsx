/** What an image file says of itself. */
import { useEffect, useState } from "react";
import { readTexts } from "../../files/image_metadata.ts";
import { type ImageFile, imageUrl } from "../../service/images.ts";
import { fetchBytes } from "../../service/transfers.ts";
import { countText } from "../parts/counts.ts";

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export function MetadataList({ image }: { image: ImageFile }) {
  const [texts, setTexts] = useState<readonly (readonly [string, string])[]>();
  useEffect(() => {
    let here = true;
    fetchBytes(imageUrl(image))
      .then(readTexts)
      .then((found) => here && setTexts([...found]))
      .catch(() => here && setTexts([]));
    return () => {
      here = false;
    };
  }, [image]);
  if (!texts) return null;
  if (texts.length === 0) return <p className="faint">The file says nothing about how it was made.</p>;
  return (
    <>
      {texts.map(([key, text]) => (
        <details key={key} className="fold metadata">
          <summary>
            {key} <span className="faint">{countText(text.length, "character")}</span>
          </summary>
          <pre className="mono" tabIndex={0} role="region" aria-label={key}>
            {pretty(text)}
          </pre>
        </details>
      ))}
    </>
  );
}
