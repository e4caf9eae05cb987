"""Files of the enterprise's node: bought objects as they are stored (sealed by the seller), opened rows sealed anew.

Opened data are a sequence of boxes, each with its length before it: the manifest, then one box a chunk. All files are
0600, written aside and renamed; their names follow from the purchase's public id.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from django.conf import settings

from enterprises.checkout.keys import seal, unseal
from enterprises.checkout.models import Purchase
from enterprises.errors import DataNotReady

LENGTH_BYTES = 4


def folder() -> Path:
    path = Path(settings.HEARTH_VAR) / "enterprise"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def object_write(purchase: Purchase, data: bytes) -> None:
    """Keep the sealed object of a purchase."""
    _write(_object_path(purchase), [data])


def object_read(purchase: Purchase) -> bytes | None:
    """The sealed object of a purchase, or None if it is not here."""
    path = _object_path(purchase)
    return path.read_bytes() if path.exists() else None


def object_forget(purchase: Purchase) -> None:
    """The object is not needed any more: the rows are here, or the money is back."""
    _object_path(purchase).unlink(missing_ok=True)


def data_write(purchase: Purchase, parts: Iterable[bytes]) -> None:
    """Seal and keep the opened parts, manifest first; nothing is kept if ``parts`` raises."""
    _write(_data_path(purchase), _sealed(purchase, parts))


def data_parts(purchase: Purchase) -> Iterator[bytes]:
    """The parts that ``data_write`` kept, in order, one in memory at a time.

    Raises:
        DataNotReady: nothing was opened.
        BoxDamaged: the file was changed.
    """
    path = _data_path(purchase)
    if not path.exists():
        raise DataNotReady
    with path.open("rb") as file:
        yield from _unsealed(purchase, file)


def data_forget(purchase: Purchase) -> None:
    """Delete the opened rows of a purchase."""
    _data_path(purchase).unlink(missing_ok=True)


def _sealed(purchase: Purchase, parts: Iterable[bytes]) -> Iterator[bytes]:
    for index, part in enumerate(parts):
        box = seal(part, _context(purchase, index))
        yield len(box).to_bytes(LENGTH_BYTES, "big")
        yield box


def _unsealed(purchase: Purchase, file: IO[bytes]) -> Iterator[bytes]:
    index = 0
    while head := file.read(LENGTH_BYTES):
        yield unseal(file.read(int.from_bytes(head, "big")), _context(purchase, index))
        index += 1


def _context(purchase: Purchase, index: int) -> str:
    return f"purchased-data:{purchase.public_id}:{index}"


def _object_path(purchase: Purchase) -> Path:
    return folder() / f"{purchase.public_id}.lot"


def _data_path(purchase: Purchase) -> Path:
    return folder() / f"{purchase.public_id}.data"


def _write(path: Path, blocks: Iterable[bytes]) -> None:
    handle, aside = tempfile.mkstemp(dir=path.parent)  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "wb") as out:
            for block in blocks:
                out.write(block)
            out.flush()
            os.fsync(out.fileno())
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
