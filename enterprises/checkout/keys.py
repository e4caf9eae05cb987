"""The enterprise node's own key, which lies outside the database, and what is sealed under it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from django.conf import settings

from chain.wallets.keystore import open_box, seal_box
from enterprises.checkout.models import Wallet
from enterprises.errors import KeyFileMissing

KEY_BYTES = 32
NONCE_BYTES = 12


def seal(plaintext: bytes, context: str) -> bytes:
    """Seal a secret; ``context`` says what and whose it is, and is needed to open it again."""
    return seal_box(node_key(), plaintext, context.encode(), os.urandom(NONCE_BYTES))


def unseal(box: bytes | memoryview, context: str) -> bytes:
    """Undo ``seal``; raises ``BoxDamaged``."""
    return open_box(node_key(), bytes(box), context.encode())


def node_key() -> bytes:
    """The 32 bytes of ``enterprise.key`` in the secrets folder; made on the first start.

    Raises:
        KeyFileMissing: there is a wallet but no key file; a new key could not open it.
    """
    file = Path(settings.HEARTH_SECRETS_DIR) / "enterprise.key"
    if not file.exists():
        if Wallet.objects.exists():
            raise KeyFileMissing
        _make(file)
    return bytes.fromhex(file.read_text().strip())


def _make(file: Path) -> None:
    """Write a fresh key aside and link it into place, so that of two processes both read the same one."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=file.parent)  # mkstemp makes it 0600
    with os.fdopen(handle, "w") as out:
        out.write(os.urandom(KEY_BYTES).hex())
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(aside, file)
    except FileExistsError:
        pass
    finally:
        Path(aside).unlink()
