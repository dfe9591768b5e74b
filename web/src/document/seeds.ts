/** Below 2^48, so that every program can hold it. */
export function randomSeed(max = 2 ** 48): number {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return ((high! & 0xffff) * 2 ** 32 + low!) % Math.min(max, 2 ** 48);
}
