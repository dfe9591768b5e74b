/** A number of things as people read it, of a noun that takes an s: "no images", "1 image", "12 images". */
export const countText = (count: number, one: string): string => `${count || "no"} ${one}${count === 1 ? "" : "s"}`;
