"""Syft's idea of a connection, in front of a ``PeerDesk``. Import it only where Syft is wanted."""

from __future__ import annotations

from typing import Any, ClassVar

from fedlearn.runtime.syftlib import ConnectionConfig, SyftboxPlatformConnection


class DeskConnection(SyftboxPlatformConnection):  # type: ignore[misc,unused-ignore]
    """The calls that ``PeerManager`` makes, and no others: mail does not pass here.

    Versions are not exchanged: the file would be read unauthenticated, and nothing that is used depends on it.
    """

    desk: Any

    @classmethod
    def from_config(cls, config: Any) -> DeskConnection:
        """The connection that a ``DeskConfig`` describes."""
        return cls(desk=config.desk, config=config)

    def add_peer(self, peer_email: str) -> None:
        """Ask, or say yes."""
        self.desk.request(peer_email)

    def get_peer_requests(self) -> list[str]:
        """Who asks."""
        return list(self.desk.requests())

    def _get_peers_json(self, force_download: bool = False) -> dict[str, dict[str, Any]]:
        return dict(self.desk.peers())

    def _update_peer_state(
        self, peer_email: str, state: str, public_encryption_bundle: dict[str, Any] | None = None
    ) -> None:
        self.desk.peer_update(peer_email, state, public_encryption_bundle)

    def write_encryption_bundle(self, peer_email: str, bundle_json: str) -> None:
        """Leave the own keys for a peer."""
        self.desk.bundle_write(peer_email, bundle_json)

    def share_encryption_bundles_folder(self, peer_email: str) -> None:
        """The peer reaches them already."""

    def read_peer_encryption_bundle(self, peer_email: str) -> str | None:
        """A peer's keys, if the ledger names them."""
        found: str | None = self.desk.bundle_read(peer_email)
        return found

    def read_peer_version_file(self, peer_email: str) -> None:
        """No version is known."""

    def share_version_file_with_peer(self, peer_email: str) -> None:
        """No version is told."""


class DeskConfig(ConnectionConfig):  # type: ignore[misc,unused-ignore]
    """What Syft builds the connection from."""

    connection_type: ClassVar[Any] = DeskConnection
    desk: Any
