"""Who may exchange mail with a node: Syft's peers, whose keys are those that the ledger names.

An enterprise (Syft's data scientist) asks; a hub (the data owner) answers by its owner's consent. Both then hold each
other's keys. Who is approved is kept in peers.json at home and works without the store.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fedlearn.runtime.desk import PeerDesk
from fedlearn.runtime.errors import NodeDamaged, PeerNotApproved, PeerNotPinned
from fedlearn.runtime.files import private_folder, sync_directory
from fedlearn.runtime.names import Role, identity_check
from fedlearn.runtime.ports import Pins, Store

if TYPE_CHECKING:
    from syft.sync.peers.peer_store import PeerStore
    from syft.sync.version.peer_manager import PeerManager

PEERS_FILE = "peers.json"
_log = logging.getLogger("fedlearn.mailbox")


class Verdict(Enum):
    """What the owner's consent says to a request."""

    APPROVE = "approve"
    REJECT = "reject"
    WAIT = "wait"


ConsentRule = Callable[[str], Verdict]


class PeerBook:
    """The peers of one node, and its own keys."""

    def __init__(self, identity: str, role: Role, box: Path, store: Store, pins: Pins) -> None:
        """Open the list; make the node's keys if there are none. Raises ``NodeDamaged``."""
        from fedlearn.runtime import control, syftlib

        self._others: Role = "enterprise" if role == "hub" else "hub"
        private = private_folder(box / identity / "private")
        _keys_make(syftlib, identity, private)
        self._states = syftlib.PeerState
        self._desk = PeerDesk(identity, self._others, private / PEERS_FILE, store, pins, syftlib.bundle_fits)
        config = syftlib.PeerManagerConfig(
            email=identity,
            syftbox_folder=box,
            use_encryption=True,
            has_do_role=role == "hub",
            has_ds_role=role == "enterprise",
            connection_configs=[control.DeskConfig(desk=self._desk)],
            force_ignore_peer_version=True,
            suppress_version_warnings=True,
            n_threads=1,
        )
        try:
            self._manager: PeerManager = syftlib.PeerManager.from_config(config)
        except (ValueError, KeyError, TypeError) as fault:
            raise NodeDamaged("The file of the node's keys is damaged or another identity's") from fault
        self.keys: PeerStore = self._manager.peer_store
        self._approved: dict[str, str] = {}
        self._manager.peer_store.set_peers(
            [peer for peer in self._manager.connection_router.get_all_peers_from_json() if not self._rejected(peer)]
        )
        self._check_pins()

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the node's identity key (64 hexadecimal digits), for the ledger."""
        return str(self.keys.public_key.identity_fingerprint())

    def approved(self) -> list[str]:
        """The approved peers whose keys the ledger names, sorted."""
        return sorted(self._approved)

    def is_approved(self, peer: str) -> bool:
        """Whether mail may be exchanged with this peer."""
        return peer in self._approved

    def fingerprint_of(self, peer: str) -> str:
        """The fingerprint of an approved peer's key. Raises ``PeerNotApproved``."""
        self.require_approved(peer)
        return self._approved[peer]

    def require_approved(self, peer: str) -> None:
        """Raise ``PeerNotApproved`` unless the peer is one."""
        if peer not in self._approved:
            raise PeerNotApproved

    def refresh(self) -> None:
        """Look on the store for answers and keys, and on the ledger whether the known keys still are the right ones.

        Wanted after opening, and when the ledger's list of keys changed; not every round. Raises ``StoreUnavailable``.
        """
        self._check_pins()
        self._manager.load_peers()
        self._check_pins()

    def request(self, peer: str) -> None:
        """Ask a peer, again if need be; one that is approved already is not asked. Raises ``StoreUnavailable``."""
        identity_check(peer, self._others)
        if not self.is_approved(peer):
            self._manager.add_peer(peer, force=True, verbose=False)
            self._check_pins()

    def requests(self) -> list[str]:
        """Who waits for an answer, or was refused and still asks. Raises ``StoreUnavailable``."""
        self.refresh()
        return sorted(peer.email for peer in self.keys.requested_by_peer_peers)

    def answer(self, rule: ConsentRule) -> dict[str, Verdict]:
        """Answer every request by the owner's consent; who was refused before is judged again.

        A peer without the keys that the ledger names gets no answer. Raises ``StoreUnavailable``; then call it again.
        """
        answers = {}
        for peer in self.requests():
            if self._desk.bundle_read(peer) is None:
                continue
            answers[peer] = rule(peer)
            if answers[peer] is Verdict.APPROVE:
                self._manager.approve_peer_request(peer, verbose=False)
            elif answers[peer] is Verdict.REJECT:
                self._manager.reject_peer_request(peer)
            self._check_pins()
        return answers

    def revoke(self, peer: str) -> None:
        """End it with a peer: at once here, and then on the store. Raises ``StoreUnavailable`` for the latter only."""
        rejected = self._states.REJECTED
        self._desk.peer_update(peer, rejected.value, None)
        self._desk.bundle_forget(peer)
        known = self.keys.get_cached_peer(peer)
        if known is not None:
            known.state, known.public_encryption_bundle = rejected, None
        self._check_pins()
        self._desk.withdraw(peer)

    def close(self) -> None:
        """Let go of Syft's threads."""
        self._manager.shutdown()

    def _rejected(self, peer: Any) -> bool:
        return bool(peer.state == self._states.REJECTED)

    def _check_pins(self) -> None:
        """Forget keys that the ledger does not name (any more); write down what changed."""
        approved = {}
        for peer in self.keys.approved_peers:
            if peer.public_encryption_bundle is None:
                continue
            fingerprint = self._desk.pinned(peer.email, peer.public_encryption_bundle)
            if fingerprint is not None:
                approved[peer.email] = fingerprint
                continue
            _log.warning("keys of %s not used: %s", peer.email, PeerNotPinned.code)
            peer.public_encryption_bundle = None
            self._desk.bundle_forget(peer.email)
        self._desk.flush()
        self._approved = approved


def _keys_make(syftlib: Any, identity: str, private: Path) -> None:
    """Make the node's keys if there are none, so that a killed process leaves a whole file, mode 0600, or none.

    Syft itself would write them in place and readable by all.
    """
    path = syftlib.datasite_crypto_keys_path(private.parent.parent, identity)
    if path.exists():
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        return
    aside = path.with_name(f".new-{path.name}")
    with contextlib.suppress(FileNotFoundError):
        aside.unlink()
    descriptor = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        keys = syftlib.PeerStore(email=identity, use_encryption=True)
        keys.generate_keys()
        keys.save_keys(aside)
        json.loads(aside.read_bytes())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    aside.replace(path)
    sync_directory(private)
