import { project, token } from "./session.ts";

/** A file as it is, with word of how much has gone; fetch tells nothing of that. */
export function sendFile(
  path: string,
  file: Blob,
  { signal, progress }: { signal: AbortSignal; progress: (sent: number) => void },
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    sending.open("PUT", path);
    if (token) sending.setRequestHeader("Authorization", `Bearer ${token}`);
    if (project) sending.setRequestHeader("X-Obscura-Project", project);
    sending.upload.onprogress = ({ loaded }) => progress(loaded);
    sending.onload = () => resolve({ status: sending.status, text: sending.responseText });
    sending.onerror = () => reject(new Error("The server took the file no further: the connection was closed."));
    sending.onabort = () => reject(new Error("Cancelled."));
    signal.addEventListener("abort", () => sending.abort());
    sending.send(file);
  });
}
