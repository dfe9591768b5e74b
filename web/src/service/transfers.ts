/** Files to the server, and back. */
import { request } from "./http.ts";

/** The name by which LoadImage finds it. */
export async function upload(file: Blob, name: string): Promise<string> {
  const form = new FormData();
  form.set("image", file, name);
  const answer = await (await request("/upload/image", { method: "POST", body: form })).json();
  const { name: stored, subfolder } = answer as { name: string; subfolder: string };
  return subfolder ? `${subfolder}/${stored}` : stored;
}

export async function fetchBytes(url: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await request(url)).arrayBuffer());
}
