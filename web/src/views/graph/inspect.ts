/** A picture that is looked at in full, over whichever screen is open. */
import { createStore } from "../../app/store.ts";
import type { Picture } from "../../service/jobs.ts";

export const inspected = createStore<{ readonly picture?: Picture }>({});

export const inspectPicture = (picture: Picture | undefined): void => inspected.set({ picture });
