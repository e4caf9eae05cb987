"""The service-model ledger of a market as methods: services, jobs, versions, orders, and what every ledger has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from chain.client.http import Http
from chain.client.ledger import LEDGER, LedgerClient, row_bytes
from chain.client.light import GenesisChanged
from chain.client.pins import PinStore
from chain.contracts.crossing import SERVICE_MODELS, job_id_of
from chain.contracts.ledgers import kind_of, trusted_in
from chain.contracts.peers import PeerRow, RegisterPeer, RoundKeys, RoundKeysRow, round_keys_id
from chain.contracts.service_models import rows
from chain.core.blocks import header_hash
from chain.core.codec import decode
from chain.core.errors import LedgerFault
from chain.core.types import Genesis, Record, Transaction
from chain.crypto.hashing import address_of
from chain.engine.proofs import TxProof
from marketplace.common.errors import NotFound

PATH: Final = f"{LEDGER}/{SERVICE_MODELS}"
R = TypeVar("R", bound=Record)


class ModelsClient(LedgerClient):
    """The service-model ledger that belongs to a market's shared ledger.

    ``shared`` gives the shared ledger's pinned genesis: if that names the ledger whose receipts pay, only this one is
    pinned here. Rows are the ledger's state as the market tells it; receipts and headers are verified.
    """

    def __init__(self, api: Http, *, pins: PinStore | None = None, shared: Callable[[], Genesis] | None = None) -> None:
        super().__init__(api, PATH, pins=pins)
        self._shared = shared

    def services(self) -> list[rows.ServiceRow]:
        """All services that are registered."""
        found: list[rows.ServiceRow] = []
        after = ""
        while True:
            page = self._api.json("GET", f"{PATH}/services", params={"after": after, "limit": 500})
            found += _rows(rows.ServiceRow, page)
            if not page.get("next"):
                return found
            after = page["next"]

    def service(self, service: bytes) -> rows.ServiceRow:
        """A service by its id (``rows.service_id_of`` its name); raises ``NotFound``."""
        return self._row(rows.ServiceRow, f"services/{service.hex()}")

    def models_of(self, service: bytes) -> list[rows.VersionRow]:
        """The versions that enterprises offer for a service at this moment; raises ``NotFound``."""
        return _rows(rows.VersionRow, self._api.json("GET", f"{PATH}/services/{service.hex()}/models"))

    def job(self, job: bytes) -> rows.JobRow:
        """A job; raises ``NotFound``."""
        return self._row(rows.JobRow, f"jobs/{job.hex()}")

    def rounds(self, job: bytes) -> list[rows.RoundRow]:
        """The completed rounds of a job in their order; raises ``NotFound``."""
        found: list[rows.RoundRow] = []
        while True:
            query = {"after": found[-1].number if found else 0, "limit": 500}
            page = self._api.json("GET", f"{PATH}/jobs/{job.hex()}/rounds", params=query)
            found += _rows(rows.RoundRow, page)
            if not page.get("next"):
                return found

    def version(self, version: bytes) -> rows.VersionRow:
        """A version; raises ``NotFound``."""
        return self._row(rows.VersionRow, f"versions/{version.hex()}")

    def lineage(self, version: bytes) -> list[rows.VersionRow]:
        """A version and all before it, newest first; raises ``NotFound``."""
        found: list[rows.VersionRow] = []
        following = version.hex()
        while following:
            page = self._api.json("GET", f"{PATH}/versions/{following}/lineage")
            found += _rows(rows.VersionRow, page)
            following = page.get("next") or ""
        return found

    def order(self, order_id: bytes) -> rows.OrderRow:
        """A service order; raises ``NotFound``."""
        return self._row(rows.OrderRow, f"orders/{order_id.hex()}")

    def peer(self, address: bytes) -> PeerRow:
        """The keys of a party (address, 20 bytes), as its own signed and final call names them.

        Raises ``NotFound``; ``LedgerFault`` if the market tells other keys than the call has.
        """
        row = self._row(PeerRow, f"peers/{address.hex()}")
        tx = self._called(row.tx_id, "peers.register")
        said = decode(RegisterPeer, tx.args)
        if (address_of(tx.sender), said.channel, said.job_key) != (address, row.channel, row.job_key):
            raise LedgerFault("the market told of other keys than the account registered")
        return row

    def round_block_after(self, leader: bytes, round_id: bytes, keys_root: bytes) -> bytes | None:
        """The hash of the block after the one in which ``leader`` put this root of a round's keys on the ledger.

        None while either is not there. Raises ``LedgerFault`` if the leader put another root there.
        """
        try:
            row = self._row(RoundKeysRow, f"round-keys/{round_keys_id(leader, round_id).hex()}")
        except NotFound:
            return None
        proof = self.proof(row.tx_id)
        tx = self._called_in(proof, "peers.round_keys")
        said = decode(RoundKeys, tx.args)
        if (address_of(tx.sender), said.round_id, said.keys_root) != (leader, round_id, keys_root):
            raise LedgerFault("the leader's root of the round's keys is another one")
        return self._hash_after(proof.header.height)

    def job_seed(self, job: bytes) -> bytes | None:
        """The hash of the block after the one in which a job was opened; None while there is none.

        Raises ``NotFound`` for an unknown job.
        """
        proof = self.proof(self.job(job).tx_id)
        tx = self._called_in(proof, "service_models.job_open")
        said = decode(rows.JobOpen, tx.args)
        if job_id_of(address_of(tx.sender), said.plan, said.nonce) != job:
            raise LedgerFault("the market told of another job")
        return self._hash_after(proof.header.height)

    def _called(self, tx_id: bytes, call: str) -> Transaction:
        return self._called_in(self.proof(tx_id), call)

    def _called_in(self, proof: TxProof, call: str) -> Transaction:
        tx = proof.signed.tx
        if tx.call != call or proof.receipt.code:
            raise LedgerFault("the market told of a call that was never made", height=proof.header.height)
        return tx

    def _hash_after(self, height: int) -> bytes | None:
        header = self.header(height + 1)
        return None if header is None else header_hash(header)

    def _row(self, kind: type[R], path: str) -> R:
        return decode(kind, row_bytes(self._api.json("GET", f"{PATH}/{path}")))

    def _genesis_check(self, genesis: Genesis) -> None:
        named = None if self._shared is None else trusted_in(self._shared()).get(SERVICE_MODELS)
        if kind_of(genesis.ledger) != SERVICE_MODELS:
            raise GenesisChanged("The market told of another kind of ledger")
        if named is not None and named != (genesis.ledger, genesis.validators):
            raise GenesisChanged("It is not the ledger whose receipts the shared ledger takes")


def _rows(kind: type[R], page: Any) -> list[R]:
    return [decode(kind, row_bytes(each)) for each in page["rows"]]
