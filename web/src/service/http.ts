/** Requests to the server that this page came from, and to no other. */
import { formatJson, isObject, type Json, parseJson } from "../document/exact_json.ts";
import { PROJECT, project, token } from "./session.ts";

/** Whether the server lets this page in. A server that is away has not refused. */
export async function isWelcome(): Promise<boolean> {
  try {
    await request("/api/v1/session");
    return true;
  } catch (error) {
    // The project was deleted, or is another's: back to one's own.
    if (error instanceof HttpError && error.status === 404 && project) {
      sessionStorage.removeItem(PROJECT);
      location.reload();
      return new Promise(() => undefined);
    }
    return !(error instanceof HttpError && (error.status === 401 || error.status === 403));
  }
}

export class HttpError extends Error {
  readonly status: number;
  readonly body: Json;
  constructor(status: number, body: Json, message: string) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

export function messageOf(status: number, body: Json): string {
  if (isObject(body)) {
    const error = body.error ?? body.detail ?? body.message;
    if (typeof error === "string") return error;
    if (isObject(error)) {
      const details = typeof error.details === "string" && error.details ? ` ${error.details}` : "";
      return `${String(error.message ?? "The server refused.")}${details}`;
    }
  }
  return `The server answered with status ${status}.`;
}

export async function request(path: string, options: RequestInit = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  if (token) headers.set("Authorization", `Bearer ${token}`);
  if (project) headers.set("X-Obscura-Project", project);
  const response = await fetch(path, { ...options, headers }).catch(() => {
    throw new Error("The server does not answer.");
  });
  if (response.ok) return response;
  let body: Json = null;
  try {
    body = parseJson(await response.text());
  } catch {
    // The status says enough.
  }
  throw new HttpError(response.status, body, messageOf(response.status, body));
}

export async function getJson(path: string): Promise<Json> {
  return parseJson(await (await request(path)).text());
}

/** Of Obscura's own API, whose shapes docs/openapi.json names. */
export async function getApi<T>(path: string): Promise<T> {
  return (await getJson(`/api/v1/${path}`)) as unknown as T;
}

export async function sendJson(method: string, path: string, value: unknown): Promise<Json> {
  const response = await request(path, {
    method,
    headers: { "Content-Type": "application/json" },
    body: formatJson(value),
  });
  const text = await response.text();
  return text ? parseJson(text) : null;
}

export const postJson = (path: string, value: unknown): Promise<Json> => sendJson("POST", path, value);

/** An address for what cannot carry a header: images and sockets. */
export function address(path: string, parameters: Record<string, string> = {}): string {
  const [route, own] = path.split("?", 2);
  const query = new URLSearchParams(own);
  for (const [name, value] of Object.entries(parameters)) query.set(name, value);
  if (token) query.set("token", token);
  if (project) query.set("project", project);
  const text = query.toString();
  return text ? `${route}?${text}` : path;
}

export function socketAddress(path: string, parameters: Record<string, string>): string {
  const url = new URL(address(path, parameters), location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
