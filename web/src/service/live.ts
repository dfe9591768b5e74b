/** The server's events, over a socket that comes back by itself. */
import { isObject, type JsonObject, parseJson } from "../document/exact_json.ts";
import { socketAddress } from "./http.ts";

export interface LiveHandlers {
  opened(): void;
  lost(): void;
  event(type: string, data: JsonObject): void;
  preview(image: Blob, data: JsonObject): void;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 4000;
const PREVIEW = 1;
const PREVIEW_WITH_METADATA = 4;

interface Socket {
  opened(socket: WebSocket): void;
  message(data: string | ArrayBuffer): void;
  lost?(): void;
}

function keepOpen(address: string, { opened, message, lost }: Socket): void {
  let wait = FIRST_WAIT_MS;
  const open = () => {
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      wait = FIRST_WAIT_MS;
      opened(socket);
    };
    socket.onmessage = (event) => message(event.data as string | ArrayBuffer);
    socket.onclose = () => {
      lost?.();
      setTimeout(open, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    };
  };
  open();
}

/** ComfyUI's events of this client's jobs, with previews. */
export function connect(client: string, handlers: LiveHandlers): void {
  keepOpen(socketAddress("/ws", { clientId: client }), {
    opened(socket) {
      socket.send(JSON.stringify({ type: "feature_flags", data: { supports_preview_metadata: true } }));
      handlers.opened();
    },
    message(data) {
      if (typeof data === "string") readText(data, handlers);
      else readBinary(data, handlers);
    },
    lost: () => handlers.lost(),
  });
}

/** The events of the whole project. */
export function connectEvents(handle: (message: JsonObject) => void): void {
  keepOpen(socketAddress("/api/v1/events", {}), {
    opened: () => undefined,
    message(data) {
      const message = typeof data === "string" ? parseJson(data) : null;
      if (isObject(message)) handle(message);
    },
  });
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
