"""The proof that a home's updates are in a version of a service model, kept for the owner as a file.

A version's id is the hash of job, round and parameters, and a round's receipt names both model and root; so only the
round's receipt, the order and the hash of the home's masked update are needed, and nobody has to be believed.
"""

from __future__ import annotations

import json
from typing import Any, Final

from chain.client.wire import genesis_json
from chain.contracts.crossing import ROUND, Round, participant_leaf
from chain.contracts.market.training_rows import RoundClaim
from chain.contracts.service_models.rows import version_id_of
from chain.core.codec import decode
from chain.core.merkle import leaf_hash, verify_path
from chain.core.proofs import proof_verify
from chain.crypto.hashing import address_of
from chain.engine.proofs import proof_from_json, proof_to_json
from households.learning.participation.errors import ClaimInvalid, NotInVersion
from households.learning.participation.port import Connection
from households.models import HOME, Participation, ParticipationClaim, VersionProof

FORMAT: Final = "hearth/update-in-version/1"


def version_proof(*, participation: Participation, version: bytes, connection: Connection) -> VersionProof:
    """The proof for a version (32-byte id), made and verified at the first time and kept.

    Raises ``NotInVersion`` if the version is of another job, or no round that this home was in led to it; ``NotFound``
    for a version that the ledger does not have.
    """
    known = VersionProof.objects.using(HOME).filter(participation=participation, version=version).first()
    if known is not None:
        return known
    row = connection.models.version(version)
    if row.job != bytes(participation.job) or version_id_of(row.job, row.number, row.parameters) != version:
        raise NotInVersion
    claims = ParticipationClaim.objects.using(HOME).filter(order__participation=participation, number=row.number)
    leaves, receipt = [], None
    for claim in claims.select_related("order").order_by("pk"):
        receipt = connection.models.proof(bytes(claim.tx_id))
        leaf = decode(RoundClaim, bytes(claim.claim))
        leaves.append(
            {"order": leaf.order_id.hex(), "update": leaf.update.hex(), "index": leaf.index,
             "path": [step.hex() for step in leaf.path]}
        )  # fmt: skip
    if receipt is None:
        raise NotInVersion
    document = {
        "format": FORMAT,
        "version": version.hex(),
        "job": row.job.hex(),
        "round": row.number,
        "parameters": row.parameters.hex(),
        "enterprise": bytes(participation.enterprise).hex(),
        "leaves": leaves,
        "receipt": proof_to_json(receipt),
        "genesis": genesis_json(connection.models.genesis()),
    }
    version_proof_check(document, connection.models.genesis().validators)
    proof, _ = VersionProof.objects.using(HOME).get_or_create(
        participation=participation,
        version=version,
        defaults={"document": json.dumps(document, sort_keys=True, indent=1).encode()},
    )
    return proof


def version_proof_check(document: dict[str, Any], validators: tuple[bytes, ...]) -> None:
    """Check the file offline, against the keys that sign the service-model ledger's blocks.

    Raises ``ClaimInvalid`` if its parts do not belong together, and what ``proof_verify`` raises.
    """
    receipt = proof_from_json(document["receipt"])
    tx = proof_verify(receipt, validators).tx
    if tx.call != ROUND or receipt.receipt.code or address_of(tx.sender).hex() != document["enterprise"]:
        raise ClaimInvalid
    done = decode(Round, tx.args)
    version = version_id_of(done.job, done.number, done.model_after)
    named = (document["version"], document["job"], document["round"], document["parameters"])
    if not done.complete or (version.hex(), done.job.hex(), done.number, done.model_after.hex()) != named:
        raise ClaimInvalid
    if not document["leaves"]:
        raise ClaimInvalid
    for leaf in document["leaves"]:
        data = participant_leaf(bytes.fromhex(leaf["order"]), bytes.fromhex(leaf["update"]))
        path = tuple(bytes.fromhex(step) for step in leaf["path"])
        if not verify_path(leaf_hash(data), leaf["index"], done.leaf_count, path, done.root):
            raise ClaimInvalid
