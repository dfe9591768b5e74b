/** What this tab had, else what any tab of this browser had last; a browser that keeps nothing is no error. */
export function remembered<T>(key: string, otherwise: T): T {
  try {
    const text = sessionStorage.getItem(`obscura.${key}`) ?? localStorage.getItem(`obscura.${key}`);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

export function remember(key: string, value: unknown): void {
  try {
    const text = JSON.stringify(value);
    sessionStorage.setItem(`obscura.${key}`, text);
    localStorage.setItem(`obscura.${key}`, text);
  } catch {
    // Full or forbidden: the page works without.
  }
}
