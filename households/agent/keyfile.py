"""The device's identity key on disk: made here, mode 0600, and never sent anywhere."""

from __future__ import annotations

import os
from pathlib import Path

from chain.crypto.secp256k1 import is_scalar
from marketplace.common.errors import IntegrityFault

KEY_FILE = "identity.key"


class KeyFileBroken(IntegrityFault):
    """The key file is there and can't be used; a new key would be another device, so none is made."""

    code = "key_file_broken"
    title = "The device's key file is damaged or readable by others"


def key_load_or_create(state_dir: Path) -> bytes:
    """The 32-byte identity secret in ``state_dir``; made if there is none. Raises ``KeyFileBroken``."""
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = state_dir / KEY_FILE
    if not path.exists():
        _create(path)
    data = path.read_bytes()
    if path.stat().st_mode & 0o077 or not is_scalar(data):
        raise KeyFileBroken()
    return data


def _create(path: Path) -> None:
    """Write the key aside and link it into place, so that a killed process leaves a whole key or none."""
    secret = os.urandom(32)
    while not is_scalar(secret):
        secret = os.urandom(32)
    write_aside(path, secret)


def write_aside(path: Path, data: bytes) -> None:
    """Replace a file by one with this content, mode 0600, durably and all at once."""
    aside = path.with_suffix(".new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    aside.replace(path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make a rename or a new file in a directory survive a loss of power."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
