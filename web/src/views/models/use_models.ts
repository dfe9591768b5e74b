import { useState } from "react";
import type { Model } from "../../service/api_types.ts";
import { loadModels } from "../../service/models.ts";
import { loadTypes, studio } from "../../service/studio.ts";
import { useStore } from "../../state/store.ts";
import { useWhenever } from "../parts/use_whenever.ts";

interface Models {
  /** None before the server has answered. */
  readonly models?: readonly Model[];
  readonly failure: string;
  refresh(): void;
}

/** The server's model files; read anew when node types are, since a model that comes in changes those too. */
export function useModels(): Models {
  const connection = useStore(studio, (state) => state.connection);
  const types = useStore(studio, (state) => state.types);
  const [found, setFound] = useState<Omit<Models, "refresh">>({ failure: "" });
  const load = () =>
    loadModels()
      .then((models) => setFound({ models, failure: "" }))
      .catch((error: Error) => setFound({ failure: error.message }));
  useWhenever([connection, types], load);
  const refresh = () => {
    void load();
    void loadTypes();
  };
  return { ...found, refresh };
}
