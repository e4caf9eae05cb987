"""The key for the money, by one equation: e = s + r mod N, and eG = S + R (protocols.md 3).

The buyer draws r, shows R = rG and sends r sealed to the lot's HPKE key; the hub answers e; the contract checks the
points; the buyer takes s = e - r. Observers learn nothing of s, since r is uniform and secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from chain.contracts.market.ids import commitment_of, fund_aad, fund_digest, order_id_of
from chain.contracts.market.rows import Commit, Deliver, Fund, LotRow, OrderRow
from chain.crypto.aead import DecryptFailed
from chain.crypto.hpke import hpke_open, hpke_seal
from chain.crypto.kdf import hkdf
from chain.crypto.secp256k1 import InvalidScalar, is_scalar, point_add, point_mul_base, scalar_add, scalar_sub, sign
from chain.exchange.errors import AnswerMismatch, PointMismatch, SealedPointUnopened, SecretWrong
from chain.exchange.lots import LotSecrets

HPKE_INFO = b"hearth/handover/1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the hub stores before it commits, and shows when it delivers. The text shows no secret."""

    order_id: bytes
    commitment: bytes
    e: bytes = field(repr=False)
    nonce: bytes = field(repr=False)

    def commit_args(self) -> Commit:
        """The arguments of ``market.commit``."""
        return Commit(order_id=self.order_id, commitment=self.commitment)

    def deliver_args(self) -> Deliver:
        """The arguments of ``market.deliver``."""
        return Deliver(order_id=self.order_id, e=self.e, nonce=self.nonce)


def funding_new(r: bytes, lot: LotRow, buyer: bytes, ledger: str) -> Fund:
    """The arguments of ``market.fund`` for a lot as it stands, at its present price and licence.

    ``r`` is a fresh secret scalar (``lots.scalar_of``) that the buyer has stored; ``buyer`` is the buyer's address. The
    HPKE ciphertext differs at each call, so store the signed transaction and send that again. Raises ``InvalidScalar``,
    ``PointAtInfinity`` when S + R has no encoding, ``KeyMaterialInvalid`` when the lot's HPKE key is unusable.
    """
    point = point_mul_base(r)
    point_add(lot.digest.key_point, point)
    order_id = order_id_of(lot.lot_id, point)
    aad = fund_aad(ledger, order_id, lot.lot_id, buyer)
    return Fund(
        lot_id=lot.lot_id,
        point=point,
        sealed_r=hpke_seal(lot.digest.hpke_key, r, aad, HPKE_INFO),
        price=lot.price,
        licence=lot.digest.licence,
        r_signature=sign(r, fund_digest(ledger, order_id, lot.lot_id, buyer)),
    )


def hub_answer(secrets: LotSecrets, order: OrderRow, ledger: str) -> Answer:
    """The hub's answer to a funded order; the same order always gets the same answer.

    Raises ``SealedPointUnopened`` or ``PointMismatch``: then the hub rejects the order with that code.
    """
    aad = fund_aad(ledger, order.order_id, order.lot_id, order.buyer)
    try:
        r = hpke_open(secrets.hpke_secret, order.sealed_r, aad, HPKE_INFO)
    except DecryptFailed:
        raise SealedPointUnopened from None
    if not is_scalar(r) or point_mul_base(r) != order.point:
        raise PointMismatch
    try:
        e = scalar_add(secrets.secret, r)
    except InvalidScalar:
        raise PointMismatch from None
    # From the HPKE secret, which no buyer ever learns; s would tell a former buyer the nonces of later orders.
    nonce = hkdf(secrets.hpke_secret, b"hearth/commit-nonce" + order.order_id)
    return Answer(order_id=order.order_id, commitment=commitment_of(e, nonce), e=e, nonce=nonce)


def answer_check(e: bytes, lot_point: bytes, order_point: bytes) -> None:
    """Check eG = S + R; raises ``AnswerMismatch``."""
    if not is_scalar(e) or point_mul_base(e) != point_add(lot_point, order_point):
        raise AnswerMismatch


def buyer_secret(e: bytes, r: bytes, lot_point: bytes) -> bytes:
    """s = e - r mod N, checked against S. Raises ``SecretWrong``."""
    try:
        secret = scalar_sub(e, r)
    except InvalidScalar:
        raise SecretWrong from None
    if point_mul_base(secret) != lot_point:
        raise SecretWrong
    return secret
