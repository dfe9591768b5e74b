/** An image that is looked at in full, over whichever screen is open. */
import type { ImageFile } from "../service/images.ts";
import { createStore } from "../state/store.ts";

export const inspected = createStore<{ readonly image?: ImageFile }>({});

export const inspectImage = (image: ImageFile | undefined): void => inspected.set({ image });
