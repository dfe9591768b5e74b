/** Who one is, which projects one may see, and the one that this tab is in. */
import { createStore } from "../state/store.ts";
import type { NewProject, Project, ProjectList, Session } from "./api_types.ts";
import { getApi, postJson } from "./http.ts";
import { keepProject } from "./session.ts";

interface ProjectsState {
  readonly session?: Session;
  readonly projects: readonly Project[];
}

export const projects = createStore<ProjectsState>({ projects: [] });

export async function loadProjects(): Promise<void> {
  const [session, list] = await Promise.all([getApi<Session>("session"), getApi<ProjectList>("projects")]);
  projects.set({ session, projects: list.projects });
}

/** Everything on the page belongs to the project, so the page begins anew in the other one. */
export function enterProject(name: string): void {
  if (name === projects.get().session?.project) return;
  keepProject(name);
  location.reload();
}

export async function makeProject(title: string): Promise<void> {
  const name = title.trim().toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
  if (!name) throw new Error("A project's name needs a letter or a digit from a to z, 0 to 9.");
  await postJson("/api/v1/projects", { name, title: title.trim() } satisfies NewProject);
  enterProject(name);
}

export const titleOf = ({ name, title }: Project): string => title || (name === "default" ? "Default" : name);

/** A viewer looks, and no more. */
export const mayRender = (state: ProjectsState): boolean => state.session?.role !== "viewer";
