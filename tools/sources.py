"""Which files the project has, what they include, and how each is compiled: what several checks ask."""

import functools
import json
import os
import pathlib
import re
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def git_files(root, *which):
    """The files that git names with `--cached`, `--others`, both, by their paths from the root; not those that are gone."""
    listing = subprocess.run(["git", "ls-files", "-z", "--exclude-standard", *which],
                             cwd=root, check=True, capture_output=True, text=True).stdout
    names = [pathlib.Path(name) for name in listing.split("\0") if name]
    return [path for path in names if (root / path).is_file()]


class Sources:
    """The text of files and what they include, each read once."""

    def __init__(self, root):
        self.root = root

    @functools.lru_cache(maxsize=None)
    def text(self, path):
        return path.read_text(errors="replace")

    @functools.lru_cache(maxsize=None)
    def includes(self, path):
        """(the project's headers, by their paths; the names of all others)"""
        folders = (path.parent, self.root / "src", self.root / "tests")
        ours, others = [], []
        for name, foreign in INCLUDE.findall(self.text(path)):
            header = next((folder / name for folder in folders if name and (folder / name).is_file()), None)
            if header:
                ours.append(pathlib.Path(os.path.normpath(header)))
            else:
                others.append(name or foreign)
        return ours, others

    def with_headers(self, path):
        """The file, and all of the project's headers that it sees."""
        seen, waiting = set(), [path]
        while waiting:
            file = waiting.pop()
            if file not in seen:
                seen.add(file)
                waiting += self.includes(file)[0]
        return seen


def lint_build(root, given, tool):
    """The folder of a configured build that compiles sources one by one: the given one, else build/lint, configured now."""
    build = (given or root / "build/lint").resolve()
    if not given:
        configured = subprocess.run(["cmake", "--preset", "lint"], cwd=root, capture_output=True, text=True)
        if configured.returncode != 0:
            sys.exit(f"{tool}: CMake could not configure build/lint\n{configured.stderr}")
    if not (build / "compile_commands.json").exists():
        sys.exit(f"{tool}: {build} is not a configured build folder")
    return build


def compiled(root, build):
    """(path from the root, entry of compile_commands.json) of each source of ours that the build compiles."""
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        if path.suffix == ".cpp" and path.is_relative_to(root) and not path.is_relative_to(build):
            yield path.relative_to(root).as_posix(), entry
