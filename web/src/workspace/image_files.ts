/** Images that leave the page: saved, copied, or into a tab of their own. */
import { download } from "../files/browser_files.ts";
import { withoutTexts } from "../files/image_metadata.ts";
import { zip } from "../files/zip.ts";
import { type ImageFile, imageUrl } from "../service/images.ts";
import { fetchBytes } from "../service/transfers.ts";
import { guarded, toast } from "../state/toasts.ts";

export const saveAsIs = (image: ImageFile): Promise<void> =>
  guarded(async () => download(await fetchBytes(imageUrl(image)), image.filename, "image/png"));

/** Pixels only: not a word of prompt, model or seed. */
export const saveClean = (image: ImageFile): Promise<void> =>
  guarded(async () => download(withoutTexts(await fetchBytes(imageUrl(image))), image.filename.replace(/(\.\w+)$/, "clean$1"), "image/png"));

export const saveAll = (images: readonly ImageFile[], clean: boolean): Promise<void> =>
  guarded(async () => {
    const entries = [];
    for (const image of images) {
      const bytes = await fetchBytes(imageUrl(image));
      const name = image.subfolder ? `${image.subfolder}/${image.filename}` : image.filename;
      entries.push({ name, bytes: clean ? withoutTexts(bytes) : bytes });
    }
    download(zip(entries), clean ? "obscura-clean.zip" : "obscura.zip", "application/zip");
  });

/** Its pixels go to the clipboard, its metadata does not: browsers clean what they copy. */
export const copyImage = (image: ImageFile): Promise<void> =>
  guarded(async () => {
    if (!navigator.clipboard) throw new Error("This browser copies images only from https or this machine.");
    const bytes = fetchBytes(imageUrl(image)).then((content) => new Blob([content], { type: "image/png" }));
    await navigator.clipboard.write([new ClipboardItem({ "image/png": bytes })]);
    toast("Copied.");
  });

export function openImage(image: ImageFile): void {
  window.open(imageUrl(image), "_blank", "noopener");
}
