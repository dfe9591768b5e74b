import { openBytes } from "../files/open.ts";
import { workflowInImage } from "../service/image_workflow.ts";
import { whenTypes } from "../service/studio.ts";
import { toast } from "../state/toasts.ts";
import { openDocument } from "./graph.ts";

export async function openFile(file: File): Promise<boolean> {
  const types = await whenTypes();
  try {
    const document = await openBytes(new Uint8Array(await file.arrayBuffer()), file.name, types, workflowInImage);
    openDocument(document, file.name.replace(/\.(json|png|webp|jpe?g|tiff?|exr)$/i, ""));
    return true;
  } catch (error) {
    toast((error as Error).message, "bad");
    return false;
  }
}
