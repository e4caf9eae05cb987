"""What Syft's peer manager asks of the world outside: requests and key bundles on the store, peers.json at home.

    request/READER/WRITER      the writer asks to be a peer, or has said yes to a request
    bundle/READER/WRITER       the writer's public keys, for one peer

Anybody who reaches the store can write both. A bundle therefore counts only if the ledger names its key, and a request
only from somebody whom the ledger knows; the rest is as if it were not there.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from fedlearn.runtime.errors import IdentityInvalid, NodeDamaged, ObjectTooLarge, PeerNotPinned
from fedlearn.runtime.files import write_aside
from fedlearn.runtime.names import Role, identity_of, store_key, tag_of
from fedlearn.runtime.ports import Pins, Store
from fedlearn.runtime.stores.paging import all_keys

MAX_BUNDLE: Final = 16 * 1024
_BUNDLE: Final = "public_encryption_bundle"
_log = logging.getLogger("fedlearn.mailbox")


class PeerDesk:
    """The store and the local list of one node's peers."""

    def __init__(
        self, identity: str, others: Role, peers_file: Path, store: Store, pins: Pins, fits: Callable[[Any, str], bool]
    ) -> None:
        self._identity, self._others, self._file = identity, others, peers_file
        self._store, self._pins, self._fits = store, pins, fits
        self._peers: dict[str, dict[str, Any]] = self._load()
        self._changed = False

    def request(self, peer: str) -> None:
        """Ask to be a peer, or say yes."""
        self._store.put(store_key("request", peer, self._identity), b"1")

    def requests(self) -> list[str]:
        """Who asked, of those who are no peers yet and whom the ledger knows; who was refused may ask again."""
        found = []
        for key in all_keys(self._store, f"request/{tag_of(self._identity)}/"):
            try:
                peer = identity_of(self._others, key.split("/", 2)[2])
            except IdentityInvalid:
                continue
            if self._peers.get(peer, {}).get("state") != "accepted" and self._pins.get(peer) is not None:
                found.append(peer)
        return found

    def withdraw(self, peer: str) -> None:
        """Take back the own keys and the yes."""
        self._store.delete(store_key("request", peer, self._identity))
        self._store.delete(store_key("bundle", peer, self._identity))

    def bundle_write(self, peer: str, bundle_json: str) -> None:
        """Leave the own public keys for a peer."""
        self._store.put(store_key("bundle", peer, self._identity), bundle_json.encode())

    def bundle_read(self, peer: str) -> str | None:
        """A peer's keys as JSON, if they are there and are those that the ledger names."""
        try:
            data = self._store.get(store_key("bundle", self._identity, peer), MAX_BUNDLE)
            if data is None:
                return None
            document = json.loads(data)[_BUNDLE]
        except (ObjectTooLarge, ValueError, KeyError, TypeError, RecursionError):
            document = None
        if self.pinned(peer, document) is None:
            _log.warning("keys of %s not used: %s", peer, PeerNotPinned.code)
            return None
        return json.dumps({_BUNDLE: document})

    def pinned(self, peer: str, document: Any) -> str | None:
        """The fingerprint of these keys if they are those that the ledger names for the peer now, else None."""
        fingerprint = self._pins.get(peer)
        return fingerprint if fingerprint is not None and self._fits(document, fingerprint) else None

    def peers(self) -> dict[str, dict[str, Any]]:
        """State and keys of each peer, as Syft keeps them."""
        return self._peers

    def peer_update(self, peer: str, state: str, bundle: dict[str, Any] | None) -> None:
        """Note a peer's state; ``flush`` makes it last."""
        entry = self._peers.setdefault(peer, {})
        changes = {"state": state} if bundle is None else {"state": state, _BUNDLE: bundle}
        if any(entry.get(name) != value for name, value in changes.items()):
            entry.update(changes)
            self._changed = True

    def bundle_forget(self, peer: str) -> None:
        """Forget a peer's keys, so that they are read again."""
        if self._peers.get(peer, {}).pop(_BUNDLE, None) is not None:
            self._changed = True

    def flush(self) -> None:
        """Write peers.json if something changed: once for any number of peers."""
        if self._changed:
            write_aside(self._file, json.dumps(self._peers, sort_keys=True).encode())
            self._changed = False

    def _load(self) -> dict[str, dict[str, Any]]:
        try:
            loaded = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError as fault:
            raise NodeDamaged from fault
        if not isinstance(loaded, dict):
            raise NodeDamaged
        return loaded
