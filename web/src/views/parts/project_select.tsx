import { Select } from "../../design/select.tsx";
import { enterProject, projects, titleOf } from "../../service/projects.ts";
import { useStore } from "../../state/store.ts";

/** For the head of a screen; none where there is but one project. */
export function ProjectSelect() {
  const { session, projects: list } = useStore(projects, (state) => state);
  if (!session || list.length < 2) return null;
  return (
    <Select
      className="fit"
      label="Project"
      value={session.project}
      choices={list.map(({ name }) => name)}
      names={Object.fromEntries(list.map((project) => [project.name, titleOf(project)]))}
      onChange={enterProject}
    />
  );
}
