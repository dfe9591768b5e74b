/** Pictures that leave the page: saved, copied, or into a tab of their own. */
import { download } from "../../app/download.ts";
import { toast } from "../../app/toasts.ts";
import { withoutTexts } from "../../files/picture_metadata.ts";
import { zip } from "../../files/zip.ts";
import { pictureUrl, type Picture } from "../../service/jobs.ts";
import { fetchBytes } from "../../service/studio.ts";

export async function guarded(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    toast((error as Error).message, "bad");
  }
}

export const saveAsIs = (picture: Picture): Promise<void> =>
  guarded(async () => download(await fetchBytes(pictureUrl(picture)), picture.filename, "image/png"));

/** Pixels only: not a word of prompt, model or seed. */
export const saveClean = (picture: Picture): Promise<void> =>
  guarded(async () => download(withoutTexts(await fetchBytes(pictureUrl(picture))), picture.filename.replace(/(\.\w+)$/, "clean$1"), "image/png"));

export const saveAll = (pictures: readonly Picture[], clean: boolean): Promise<void> =>
  guarded(async () => {
    const entries = [];
    for (const picture of pictures) {
      const bytes = await fetchBytes(pictureUrl(picture));
      const name = picture.subfolder ? `${picture.subfolder}/${picture.filename}` : picture.filename;
      entries.push({ name, bytes: clean ? withoutTexts(bytes) : bytes });
    }
    download(zip(entries), clean ? "obscura-clean.zip" : "obscura.zip", "application/zip");
  });

/** Its pixels go to the clipboard, its metadata does not: browsers clean what they copy. */
export const copyPicture = (picture: Picture): Promise<void> =>
  guarded(async () => {
    if (!navigator.clipboard) throw new Error("This browser copies pictures only from https or this machine.");
    const bytes = fetchBytes(pictureUrl(picture)).then((content) => new Blob([content], { type: "image/png" }));
    await navigator.clipboard.write([new ClipboardItem({ "image/png": bytes })]);
    toast("Copied.");
  });

export function openPicture(picture: Picture): void {
  window.open(pictureUrl(picture), "_blank", "noopener");
}
