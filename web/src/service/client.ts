import { randomUuid } from "../document/uuid.ts";

function clientId(): string {
  const key = "obscura.client";
  let id = sessionStorage.getItem(key);
  // A tab that was duplicated copies its session: the two must not take one socket from each other.
  if (!id || performance.getEntriesByType("navigation").some((entry) => (entry as PerformanceNavigationTiming).type === "navigate")) {
    id = randomUuid();
    sessionStorage.setItem(key, id);
  }
  return id;
}

export const client = clientId();
