export const readable = (name: string): string => name.replace(/_/g, " ");
