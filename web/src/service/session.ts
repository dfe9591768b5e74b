/** The token and the project of this tab. */
const TOKEN = "obscura.token";

export const PROJECT = "obscura.project";

/** The address may bring the token that a server beyond loopback asks for; it is taken off at once. */
function takeToken(): string {
  const address = new URL(location.href);
  const given = address.searchParams.get("token");
  if (given !== null) {
    sessionStorage.setItem(TOKEN, given);
    address.searchParams.delete("token");
    history.replaceState(null, "", address);
  }
  return sessionStorage.getItem(TOKEN) ?? "";
}

export const token = takeToken();

export const hasToken = token !== "";

/** For this tab, until it is closed. */
export function keepToken(given: string): void {
  sessionStorage.setItem(TOKEN, given);
}

export const project = sessionStorage.getItem(PROJECT) ?? "";

/** For this tab, from the next load of the page on. */
export function keepProject(name: string): void {
  sessionStorage.setItem(PROJECT, name);
}
