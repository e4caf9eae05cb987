"""The node's secrets: one file each, readable by its owner alone, outside every database."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from django.conf import settings

from chain.crypto.secp256k1 import is_scalar
from marketplace.common.errors import HearthError

VALIDATOR: Final = "validator"
TREASURY: Final = "treasury"
OPERATOR: Final = "operator"


class SecretMissing(HearthError):
    """A secret that the process needs is not there, and may not be made."""

    code = "secret_missing"
    http_status = 500
    title = "A secret is missing"


class SecretUnusable(HearthError):
    """A secret's file can be read by others, or holds no secret."""

    code = "secret_unusable"
    http_status = 500
    title = "A secret can't be used"


class KeyFiles:
    """Secrets of secp256k1 as ``<name>.key`` in one folder, 64 hexadecimal digits each."""

    def __init__(self, folder: Path, *, may_create: bool) -> None:
        self._folder = folder
        self._may_create = may_create

    def secret(self, name: str) -> bytes:
        """The 32-byte secret; raises ``SecretMissing`` or ``SecretUnusable``."""
        path = self._path(name)
        try:
            text, mode = path.read_text("ascii"), path.stat().st_mode
        except FileNotFoundError as fault:
            raise SecretMissing(f"{path.name} is missing", hint=f"Put the key back into {self._folder}.") from fault
        except UnicodeDecodeError as fault:
            raise SecretUnusable(f"{path.name} holds no key") from fault
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SecretUnusable(f"{path.name} can be read by others", hint=f"Run: chmod 600 {path}")
        try:
            secret = bytes.fromhex(text.strip())
        except ValueError as fault:
            raise SecretUnusable(f"{path.name} holds no key") from fault
        if not is_scalar(secret):
            raise SecretUnusable(f"{path.name} holds no key")
        return secret

    def secret_or_new(self, name: str) -> bytes:
        """The secret, made now if it is not there and this deployment may make its keys."""
        if self._may_create and not self._path(name).exists():
            self._create(name)
        return self.secret(name)

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Keep other threads and processes of this machine from using the key meanwhile."""
        with self._path(name).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _create(self, name: str) -> None:
        """Write the file aside and link it, so that two processes that start at once end with the same key."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = self._folder / f".{name}.{secrets.token_hex(8)}"
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(_new_secret().hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, self._path(name))
        except FileExistsError:
            pass
        finally:
            aside.unlink()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.key"


def key_files() -> KeyFiles:
    """The keys of this deployment. They are made only in the demo, or if ``HEARTH_CREATE_KEYS`` says so."""
    may_create = bool(settings.HEARTH_DEMO or getattr(settings, "HEARTH_CREATE_KEYS", False))
    return KeyFiles(Path(settings.HEARTH_SECRETS_DIR), may_create=may_create)


def _new_secret() -> bytes:
    while True:
        secret = secrets.token_bytes(32)
        if is_scalar(secret):
            return secret
