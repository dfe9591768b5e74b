/** The server's events, over a socket that comes back by itself. */
import { isObject, parseJson, type JsonObject } from "../document/exact_json.ts";
import { socketAddress } from "./http.ts";

export interface LiveHandlers {
  opened(): void;
  lost(): void;
  event(type: string, data: JsonObject): void;
  preview(picture: Blob, data: JsonObject): void;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 4000;
const PREVIEW = 1;
const PREVIEW_WITH_METADATA = 4;

export function connect(client: string, handlers: LiveHandlers): () => void {
  let wait = FIRST_WAIT_MS;
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let over = false;

  const open = () => {
    socket = new WebSocket(socketAddress("/ws", { clientId: client }));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      wait = FIRST_WAIT_MS;
      socket?.send(JSON.stringify({ type: "feature_flags", data: { supports_preview_metadata: true } }));
      handlers.opened();
    };
    socket.onmessage = (message) => {
      if (typeof message.data === "string") readText(message.data, handlers);
      else readBinary(message.data as ArrayBuffer, handlers);
    };
    socket.onclose = () => {
      if (over) return;
      handlers.lost();
      timer = setTimeout(open, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    };
  };
  open();
  return () => {
    over = true;
    clearTimeout(timer);
    socket?.close();
  };
}

function readText(text: string, handlers: LiveHandlers): void {
  const message = parseJson(text);
  if (isObject(message) && isObject(message.data)) handlers.event(String(message.type), message.data);
}

function readBinary(frame: ArrayBuffer, handlers: LiveHandlers): void {
  const view = new DataView(frame);
  const event = view.getUint32(0);
  if (event === PREVIEW) {
    const type = view.getUint32(4) === 2 ? "image/png" : "image/jpeg";
    handlers.preview(new Blob([frame.slice(8)], { type }), {});
  } else if (event === PREVIEW_WITH_METADATA) {
    const length = view.getUint32(4);
    const data = parseJson(new TextDecoder().decode(new Uint8Array(frame, 8, length)));
    const facts = isObject(data) ? data : {};
    handlers.preview(new Blob([frame.slice(8 + length)], { type: String(facts.image_type ?? "image/jpeg") }), facts);
  }
}
