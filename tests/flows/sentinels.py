"""Looking for what must not have left a home: in files of any kind, in every form in which it could be written."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sentinel:
    """Something planted. ``forms`` are the byte strings under which it would be found."""

    name: str
    forms: tuple[bytes, ...]


def of_text(name: str, text: str) -> Sentinel:
    """A name or words: as UTF-8 and UTF-16, in JSON, as hexadecimal digits and in base 64."""
    raw = text.encode()
    return Sentinel(name, (raw, text.encode("utf-16-le"), json.dumps(text)[1:-1].encode(), *_encoded(raw)))


def of_secret(name: str, secret: bytes) -> Sentinel:
    """A key: its bytes, hexadecimal digits in both cases, base 64."""
    return Sentinel(name, (secret, *_encoded(secret)))


def of_reading(name: str, text: str, fixed: int) -> Sentinel:
    """A measured number: as the device prints it, in fixed point as digits, and in the bytes of msgpack and JSON."""
    return Sentinel(name, (text.encode(), str(fixed).encode(), fixed.to_bytes(8, "big"), fixed.to_bytes(8, "little")))


def _encoded(raw: bytes) -> Iterator[bytes]:
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for shift in range(3):  # base 64 looks different at each of three alignments; the edges are left out
        text = base64.b64encode(bytes(shift) + raw)
        core = text[4 if shift else 0 : len(text) // 4 * 4 - 4]
        if len(core) >= 12:
            yield core
            yield core.translate(bytes.maketrans(b"+/", b"-_"))


def files_under(*places: Path) -> list[Path]:
    """Every file in these places; a place that is missing is an error, since looking nowhere finds nothing."""
    found: list[Path] = []
    for place in places:
        assert place.exists(), f"{place} is not there"
        found += [place] if place.is_file() else [file for file in sorted(place.rglob("*")) if file.is_file()]
    return found


def found_in(files: Iterable[Path], sentinels: Iterable[Sentinel]) -> list[str]:
    """``sentinel in file`` for each that was found."""
    hits = []
    sentinels = list(sentinels)
    for file in files:
        data = file.read_bytes()
        hits += [
            f"{sentinel.name} in {file.name}" for sentinel in sentinels if any(form in data for form in sentinel.forms)
        ]
    return hits
