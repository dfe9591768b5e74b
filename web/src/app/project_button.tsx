/** The project that this tab is in, and the way to the others. */
import { useState } from "react";
import { Button } from "../design/button.tsx";
import { Dialog } from "../design/dialog.tsx";
import { Icon } from "../design/icons.tsx";
import { Labelled } from "../design/labelled.tsx";
import { Menu, type MenuAt, type MenuItem } from "../design/menu.tsx";
import { enterProject, makeProject, projects, titleOf } from "../service/projects.ts";
import { useStore } from "../state/store.ts";
import { toast } from "../state/toasts.ts";

function NewProject({ onClose }: { onClose: () => void }) {
  const [title, setTitle] = useState("");
  const make = () => void makeProject(title).catch((error: Error) => toast(error.message, "bad"));
  return (
    <Dialog label="New project" className="keys" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          make();
        }}
      >
        <h1>New project</h1>
        <p className="soft">A project has images, queue, uploads and models of its own. Whoever is not in it cannot see it.</p>
        <Labelled label="Name">{(id) => <input id={id} className="field" autoFocus value={title} onChange={(event) => setTitle(event.target.value)} />}</Labelled>
        <div className="row end">
          <Button label="Cancel" kind="quiet" onClick={onClose} />
          <Button label="Make it" kind="primary" disabled={title.trim() === ""} onClick={make} />
        </div>
      </form>
    </Dialog>
  );
}

/** At the foot of the rail. With one project and no right to make another, there is nothing to choose. */
export function ProjectButton() {
  const { session, projects: list } = useStore(projects, (state) => state);
  const [menu, setMenu] = useState<MenuAt>();
  const [making, setMaking] = useState(false);
  if (!session || (list.length < 2 && session.role !== "owner")) return null;
  const current = list.find(({ name }) => name === session.project);
  const title = current ? titleOf(current) : session.project;
  const items: MenuItem[] = [
    ...list.map((project): MenuItem => ({
      label: titleOf(project),
      icon: project.name === session.project ? "check" : "folder",
      keys: String(project.results),
      act: () => enterProject(project.name),
    })),
    ...(session.role === "owner" ? (["line", { label: "New project…", icon: "plus", act: () => setMaking(true) }] as const) : []),
  ];
  return (
    <>
      <button
        type="button"
        className="rail-button"
        aria-label={`Project: ${title}`}
        title={`Project: ${title}`}
        aria-haspopup="menu"
        onClick={(event) => {
          const { right, top } = event.currentTarget.getBoundingClientRect();
          setMenu({ x: right + 8, y: top, label: "Projects", items });
        }}
      >
        <Icon name="folder" />
        <span className="clip">{title}</span>
      </button>
      {menu && <Menu at={menu} onClose={() => setMenu(undefined)} />}
      {making && <NewProject onClose={() => setMaking(false)} />}
    </>
  );
}
