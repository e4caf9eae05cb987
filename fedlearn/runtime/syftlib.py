"""What Hearth uses of Syft, imported without its noise. Importing this module costs half a second and 64 MB.

Only functions that need an open node import it. Syft adds a log handler of its own, warns of what other packages plan,
and prints what it does for people in notebooks, pseudonyms included; all of that is kept quiet, for its modules only.
"""

from __future__ import annotations

import logging
import warnings
from typing import Any

logging.getLogger("syft").addHandler(logging.NullHandler())  # Syft adds none where one is
logging.getLogger("syft").setLevel(logging.ERROR)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import syft.sync.utils.print_utils as _print_utils
    import syft.sync.version.peer_manager as _peer_manager
    import syft_crypto_python as syc
    import syft_datasets.dataset_manager as _dataset_manager
    import yaml
    from syft.sync.connections.base_connection import ConnectionConfig, SyftboxPlatformConnection
    from syft.sync.peers.peer import PeerState
    from syft.sync.peers.peer_store import PeerStore, datasite_crypto_keys_path
    from syft.sync.version.peer_manager import PeerManager, PeerManagerConfig
    from syft_datasets.dataset_manager import SyftDatasetManager
    from syft_permissions import PERMISSION_FILE_NAME, Access, Rule, RuleSet
    from syft_perms import SyftPermContext


def _say_nothing(*_: object, **__: object) -> None:
    """In place of ``print`` in Syft's modules."""


for _module in (_print_utils, _peer_manager, _dataset_manager):
    setattr(_module, "print", _say_nothing)  # noqa: B010 - the module has no such name of its own to assign to


def bundle_fits(document: Any, fingerprint: str) -> bool:
    """Whether a key bundle (a DID document) holds the identity key with this fingerprint, and that key signed the rest.

    The bundle comes from the store, so it may be anything.
    """
    try:
        bundle = syc.SyftPublicKeyBundle.from_did_document(document)
        return bool(bundle.verify_signatures()) and bundle.identity_fingerprint() == fingerprint
    except (ValueError, TypeError, KeyError):
        return False


__all__ = [
    "PERMISSION_FILE_NAME",
    "Access",
    "ConnectionConfig",
    "PeerManager",
    "PeerManagerConfig",
    "PeerState",
    "PeerStore",
    "Rule",
    "RuleSet",
    "SyftDatasetManager",
    "SyftPermContext",
    "SyftboxPlatformConnection",
    "bundle_fits",
    "datasite_crypto_keys_path",
    "syc",
    "yaml",
]
