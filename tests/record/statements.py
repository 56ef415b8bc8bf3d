"""Reads the files of statements: what a person or a tool sends, a block at a time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "statements"
HEADER = re.compile(r"^-- (human|blind|aside|noise)((?: \w+)*): (.*)$")


@dataclass(frozen=True)
class Statement:
    label: str
    role: str
    only: str | None
    title: str
    sql: str

    @property
    def note(self) -> str:
        return f"{self.title}: {self.sql}" if self.role == "alice" else f"{self.title} (as {self.role}): {self.sql}"


def read(name: str) -> list[Statement]:
    found: list[Statement] = []
    text: list[str] = []

    def close() -> None:
        if head:
            words = head[2].split()
            only = next((w for w in words if w in ("psql", "extended")), None)
            role = next((w for w in words if w != only), "alice")
            sql = "\n".join(text).rstrip("\n")
            # A made-up long statement need not lie in the file.
            sql = re.sub(r"<<(.)\*(\d+)>>", lambda m: m[1] * int(m[2]), sql)
            found.append(Statement(head[1], role, only, head[3], sql))

    head = None
    for line in (FOLDER / f"{name}.sql").read_bytes().decode().split("\n"):
        new = HEADER.match(line)
        if new:
            close()
            head, text = new, []
        else:
            text.append(line)
    close()
    return found


def names() -> list[str]:
    return sorted(p.stem for p in FOLDER.glob("*.sql"))
