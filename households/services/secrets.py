"""The node's key, and what is sealed under it: the operational branch, the market token, answers to orders.

The key is a file of 32 bytes in hexadecimal outside the database (mode 0600). It is made once, for the first home of a
node; when homes exist and the file is gone, everything that needs it fails closed.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from django.conf import settings

from chain.crypto.aead import NONCE_BYTES
from chain.wallets.hd import Branch, branch_of
from chain.wallets.keystore import open_box, seal_box
from households.errors import NodeKeyDamaged, NodeKeyMissing
from households.models import HOME, HomeWallet, Household

KEY_BYTES = 32
KEY_FILE = "hub.key"

OPERATIONAL = b"operational"
MARKET_TOKEN = b"market-token"
ANSWER = b"answer"


def node_key() -> bytes:
    """The node's 32-byte key. Raises ``NodeKeyMissing`` or ``NodeKeyDamaged``."""
    path = _path()
    if not path.exists():
        raise NodeKeyMissing()
    try:
        key = bytes.fromhex(path.read_text().strip())
    except (ValueError, OSError):
        raise NodeKeyDamaged() from None
    if len(key) != KEY_BYTES:
        raise NodeKeyDamaged()
    return key


def node_key_ensure() -> bytes:
    """The node's key, made if this node has no home yet. Raises as ``node_key``."""
    path = _path()
    if not path.exists():
        if HomeWallet.objects.using(HOME).exists():
            raise NodeKeyMissing()
        _make(path)
    return node_key()


def node_key_renew_if_missing() -> bytes:
    """The node's key for a home that is restored from its words: a lost key is replaced, since the words bring all
    back.

    Other homes of the node stay closed until their words are entered too. Raises ``NodeKeyDamaged``.
    """
    path = _path()
    if not path.exists():
        _make(path)
    return node_key()


def box_seal(household: Household, purpose: bytes, plaintext: bytes) -> bytes:
    """Seal a secret of this home; it opens only for the same home and purpose."""
    return seal_box(node_key(), plaintext, _context(household, purpose), secrets.token_bytes(NONCE_BYTES))


def box_open(household: Household, purpose: bytes, box: bytes | memoryview) -> bytes:
    """Undo ``box_seal``; raises ``BoxDamaged``."""
    return open_box(node_key(), bytes(box), _context(household, purpose))


def operational_of(household: Household) -> Branch:
    """The home's operational branch, opened for as long as the caller needs it."""
    wallet = HomeWallet.objects.using(HOME).get(pk=household.pk)
    return branch_of(box_open(household, OPERATIONAL, wallet.operational))


def _context(household: Household, purpose: bytes) -> bytes:
    return b"hearth/home|" + household.pk.bytes + b"|" + purpose


def _path() -> Path:
    return Path(settings.HEARTH_SECRETS_DIR) / KEY_FILE


def _make(path: Path) -> None:
    """Of two processes that start at once, both go on with the same key."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as out:
        out.write(secrets.token_hex(KEY_BYTES))
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(aside, path)
    except FileExistsError:
        return
    finally:
        Path(aside).unlink()
