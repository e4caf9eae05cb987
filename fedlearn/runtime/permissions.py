"""Which peer may write or read under which folder of a node: Syft's permission files (``syft.pub.yaml``).

"Write" is for what a peer may send to the node, "read" for what the node may send to the peer. What no file grants is
refused. The files are written here, whole and aside, since Syft writes them in place and a killed process would leave a
part; Syft reads and judges them.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from fedlearn.runtime.errors import PathInvalid
from fedlearn.runtime.files import private_folder, write_aside
from fedlearn.runtime.names import path_check

Level = Literal["read", "write"]
_log = logging.getLogger("fedlearn.mailbox")


class Permissions:
    """The permissions in one datasite; read when they are first asked for, and again after a change made here."""

    def __init__(self, datasite: Path) -> None:
        from fedlearn.runtime import syftlib

        self._syft: Any = syftlib
        self._datasite = datasite
        self._context: Any = None

    def may_write(self, peer: str, path: str) -> bool:
        """Whether the peer may send something under this path. Raises ``PathInvalid``."""
        return self._judge(peer, path, "write")

    def may_read(self, peer: str, path: str) -> bool:
        """Whether the peer may be sent what lies under this path. Raises ``PathInvalid``.

        To Syft who may write may read. Here a folder has one direction: what the peer writes is not sent to it.
        """
        return self._judge(peer, path, "read") and not self._judge(peer, path, "write")

    def grant(self, folder: str, level: Level, peers: Iterable[str]) -> None:
        """Let exactly these peers read or write everything under a folder; who was named before is not any more.

        A name may be a pattern with ``*``, as Syft's may.
        """
        path_check(folder)
        names = sorted(set(peers))
        rule = self._syft.Rule(pattern="**", access=self._syft.Access(**{level: names}))
        self._write(self._datasite / folder, self._syft.RuleSet(rules=[rule], terminal=True))

    def withdraw(self, peer: str) -> None:
        """Take everything from a peer."""
        for path in self._files():
            rules = self._syft.RuleSet.load(path)
            lists = [
                names for rule in rules.rules for names in (rule.access.read, rule.access.write, rule.access.admin)
            ]
            if any(peer in names for names in lists):
                for names in lists:
                    names[:] = [name for name in names if name != peer]
                self._write(path.parent, rules)

    def remove(self, folder: str) -> None:
        """Remove a folder with all its permissions."""
        path_check(folder)
        shutil.rmtree(self._datasite / folder, ignore_errors=True)
        self._context = None

    def _judge(self, peer: str, path: str, level: Level) -> bool:
        path_check(path)
        if peer == self._datasite.name:  # to Syft the owner may do anything, and nobody else is the owner
            raise PathInvalid("A node sends nothing to itself")
        if self._context is None:
            self._context = self._read()
        return bool(getattr(self._context.open(path), f"has_{level}_access")(peer))

    def _write(self, folder: Path, rules: Any) -> None:
        private_folder(folder)
        data = self._syft.yaml.safe_dump(rules.model_dump(mode="json"), default_flow_style=False).encode()
        path = folder / self._syft.PERMISSION_FILE_NAME
        if not path.exists() or path.read_bytes() != data:
            write_aside(path, data)
            self._context = None

    def _files(self) -> list[Path]:
        return sorted(self._datasite.rglob(self._syft.PERMISSION_FILE_NAME))

    def _read(self) -> Any:
        """Syft's view of the files. One that can't be read, which only Syft leaves, is removed: it grants nothing."""
        try:
            return self._syft.SyftPermContext(self._datasite)
        except (ValueError, TypeError, self._syft.yaml.YAMLError):
            for path in self._files():
                self._remove_unless_readable(path)
            return self._syft.SyftPermContext(self._datasite)

    def _remove_unless_readable(self, path: Path) -> None:
        try:
            self._syft.RuleSet.load(path)
        except (ValueError, TypeError, self._syft.yaml.YAMLError):
            _log.warning("a permission file can't be read and is removed")
            path.unlink()
