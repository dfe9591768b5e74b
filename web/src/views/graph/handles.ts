/** Sockets by the ids of their handles: `in:` with the input's name, `out:` with the output's place. */
export const inputOfHandle = (handle: string | null | undefined): string => (handle ?? "").slice(3);
export const slotOfHandle = (handle: string | null | undefined): number => Number((handle ?? "").slice(4));
