/** One hue a type; types that nobody knew get one from their name. */
const HUES: Record<string, number> = {
  MODEL: 300,
  CLIP: 95,
  VAE: 20,
  CONDITIONING: 60,
  LATENT: 345,
  IMAGE: 245,
  MASK: 155,
  SAMPLER: 195,
  SIGMAS: 120,
  CONTROL_NET: 175,
  UPSCALE_MODEL: 270,
  NOISE: 220,
  GUIDER: 215,
};

function hueOf(type: string): number | undefined {
  if (type === "*") return undefined;
  const known = HUES[type];
  if (known !== undefined) return known;
  let hash = 0;
  for (const letter of type) hash = (hash * 31 + letter.codePointAt(0)!) % 360;
  return hash;
}

const PLAIN = new Set(["INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"]);

export function wireColor(type: string): string {
  const hue = hueOf(type);
  const chroma = hue === undefined ? 0 : PLAIN.has(type) ? 0.05 : 0.13;
  return `oklch(var(--wire-light) ${chroma} ${hue ?? 0})`;
}
