"""What a slow check of sources remembers from run to run, in the user's cache folder, where every checkout finds it.

A source has passed when it passed with these bytes of it and of the project's headers that it includes, and with the same
checker. What a run did not reach, or found bad, is first in the next, or after what itself has changed since it passed.
"""

import hashlib
import os
import pathlib
import time

from sources import Sources

MOST_DIGESTS = 50000


class Kept:
    def __init__(self, root, check, *decisive, changed_first=False):
        """`decisive` is what else decides: the checker's version, its settings."""
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "obscura"
        cache.mkdir(parents=True, exist_ok=True)
        self.sources, self.decisive = Sources(root), "\n".join(decisive)
        self.changed_first = changed_first
        self.passed_file, self.open_file = cache / f"{check}.passed", cache / f"{check}.open"
        self.whole_file = cache / f"{check}.whole"
        self.passed = set(self._lines(self.passed_file))
        self.order = self._lines(self.open_file)

    @staticmethod
    def _lines(file):
        return file.read_text().splitlines() if file.exists() else []

    def digest(self, source):
        """Of all that decides whether the source passes."""
        root = self.sources.root
        whole = hashlib.sha256(f"{self.decisive}\n{source}\n".encode())
        for path in sorted(self.sources.with_headers(root / source)):
            whole.update(f"{path.relative_to(root)}\n{self.sources.text(path)}".encode())
        return whole.hexdigest()

    def own_digest(self, source):
        """Of the source alone, whatever it includes."""
        return hashlib.sha256(f"{source}\n{self.sources.text(self.sources.root / source)}".encode()).hexdigest()

    def to_check(self, sources):
        """Those of the sources that have not passed as they are, what was left open before coming first."""
        place = {source: number for number, source in enumerate(self.order)}
        waiting = [source for source in sources if self.digest(source) not in self.passed]
        return sorted(waiting, key=lambda source: (self.changed_first and self.own_digest(source) in self.passed,
                                                   place.get(source, len(place))))

    def left_open(self, known):
        """What the last run left open and is still among the known sources."""
        return [source for source in self.order if source in known]

    def close(self, passed, still_open):
        """Keeps what passed in this run, and what the next is to begin with."""
        digests = [*map(self.digest, passed), *(map(self.own_digest, passed) if self.changed_first else ())]
        fresh = [digest for digest in digests if digest not in self.passed]
        lines = (self._lines(self.passed_file) + fresh)[-MOST_DIGESTS:]
        for file, kept in ((self.passed_file, lines), (self.open_file, still_open)):
            written = file.with_suffix(f".{os.getpid()}")
            written.write_text("".join(f"{line}\n" for line in kept))
            written.replace(file)

    def note_whole(self):
        """All that there is has passed: says when that was to runs that leave something."""
        self.whole_file.touch()

    def last_whole(self):
        """When all had passed, in words."""
        if not self.whole_file.exists():
            return "never did all of them pass"
        hours = int((time.time() - self.whole_file.stat().st_mtime) / 3600)
        return f"all had passed {hours} hours ago" if hours < 48 else f"all had passed {hours // 24} days ago"


def listed(sources, most=8):
    """The sources in a line, for people."""
    rest = f" and {len(sources) - most} more" if len(sources) > most else ""
    return ", ".join(sources[:most]) + rest
