"""Getting a model: what the market says of it is compared with what its enterprise signed, and every byte with that."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np

from chain.contracts.service_models.rows import Publish, VersionRow, version_id_of
from chain.core.codec import decode, encode
from chain.core.proofs import TxProof
from chain.crypto.hashing import address_of, sha256
from fedlearn.learners.card import card_decode
from fedlearn.learners.model_file import Model, model_decode
from households.advice.errors import CardNotTheLedgers, ModelNotTheLedgers, VersionNotProven
from households.advice.port import Connection, Models
from households.models import HOME, Household, LocalModel
from marketplace.common.errors import NotFound

PUBLISHED: Final = "version.published"
PUBLISH: Final = "service_models.version"


def model_fetch(household: Household, connection: Connection, row: VersionRow) -> LocalModel:
    """The model in the home database; one that is there already is not downloaded again.

    Raises ``VersionNotProven``, ``ModelNotTheLedgers``, ``CardNotTheLedgers``, ``ModelInvalid``, ``CardInvalid``,
    ``NotFound`` if the store has it no more.
    """
    here = LocalModel.objects.using(HOME).filter(household=household, version=row.version).first()
    if here is not None:
        return here
    _proven(connection.models, row)
    data = connection.shared.object_get(row.object_id)
    card = connection.shared.object_get(row.card)
    model_open(row, data)
    card_checked(row, card)
    found, _ = LocalModel.objects.using(HOME).get_or_create(
        household=household, version=row.version, defaults={"row": encode(row), "file": data, "card": card}
    )
    return found


def model_open(row: VersionRow, data: bytes) -> Model:
    """The model that the bytes hold, if they are those that the ledger names.

    The object's id is the SHA-256 of the file, ``parameters`` that of the little-endian float64 vector in it. Raises
    ``ModelNotTheLedgers``, ``ModelInvalid``.
    """
    if len(data) != row.size_bytes or sha256(data) != row.object_id:
        raise ModelNotTheLedgers
    model = model_decode(data)
    if sha256(np.asarray(model.parameters, dtype="<f8").tobytes()) != row.parameters:
        raise ModelNotTheLedgers("The parameters in the file are not those that the ledger names.")
    if model.head.plan != row.plan.hex():
        raise ModelNotTheLedgers("The file names another plan than the ledger.")
    return model


def local_open(local: LocalModel) -> Model:
    """A model of the home database, checked again; raises as ``model_open`` does."""
    return model_open(decode(VersionRow, bytes(local.row)), bytes(local.file))


def card_checked(row: VersionRow, data: bytes) -> None:
    """Raises ``CardNotTheLedgers`` or ``CardInvalid``."""
    if sha256(data) != row.card:
        raise CardNotTheLedgers
    card = card_decode(data)
    if (card.parameters, card.plan) != (row.parameters.hex(), row.plan.hex()):
        raise CardNotTheLedgers("The card is about another model.")


def _proven(models: Models, row: VersionRow) -> None:
    """The enterprise's own final call says the same as the market's row; else ``VersionNotProven``."""
    for event in models.events(0, kind=PUBLISHED):
        if row.version in event.subjects and _says(_proof(models, event.tx_id), row):
            return
    raise VersionNotProven


def _proof(models: Models, tx_id: bytes) -> TxProof | None:
    try:
        return models.proof(tx_id)
    except NotFound:
        return None


def _says(proof: TxProof | None, row: VersionRow) -> bool:
    if proof is None or proof.receipt.code or proof.signed.tx.call != PUBLISH:
        return False
    tx = proof.signed.tx
    said = decode(Publish, tx.args)
    told = {name: getattr(row, name) for name in said.__struct_fields__}
    signed = msgspec.structs.asdict(said)
    version = version_id_of(said.job, said.number, said.parameters)
    return told == signed and (address_of(tx.sender), version) == (row.enterprise, row.version)
