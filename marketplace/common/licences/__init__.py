"""The texts that homes and enterprises agree to, by version and by hash.

Each text is a file beside this module and never changes once released: its SHA-256 stands on the shared ledger. A
change of wording is a new file with the next number. ``copy-1.md`` is version 1 of the kind ``copy``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from marketplace.common.errors import NotFound

COPY = "copy"
TRAINING = "training"
CONSENT = "consent"


@dataclass(frozen=True, slots=True)
class Text:
    """A released text. ``digest`` is the SHA-256 (32 bytes) of the file as it is."""

    kind: str
    version: int
    title: str
    body: str
    digest: bytes

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.version}"


class UnknownText(NotFound):
    code = "licence_unknown"
    title = "No text of this kind or hash was released"


@cache
def texts() -> tuple[Text, ...]:
    """Every released text, by kind and then version."""
    found = [_read(path) for path in Path(__file__).parent.glob("*.md")]
    return tuple(sorted(found, key=lambda text: (text.kind, text.version)))


def current(kind: str) -> Text:
    """The newest text of a kind (``copy``, ``training`` or ``consent``); raises ``UnknownText``."""
    ours = [text for text in texts() if text.kind == kind]
    if not ours:
        raise UnknownText()
    return ours[-1]


def by_digest(digest: bytes) -> Text:
    """The text whose SHA-256 is ``digest`` (32 bytes); raises ``UnknownText``."""
    for text in texts():
        if text.digest == digest:
            return text
    raise UnknownText()


def _read(path: Path) -> Text:
    raw = path.read_bytes()
    body = raw.decode()
    kind, _, version = path.stem.rpartition("-")
    title = body.splitlines()[0].lstrip("# ").strip()
    return Text(kind=kind, version=int(version), title=title, body=body, digest=hashlib.sha256(raw).digest())
