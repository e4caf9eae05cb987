"""The market's notice board as methods. Hashes and keys in its answers are checked; the rest is the market's word."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx

from chain.client.http import Http
from chain.client.market import MARKET, Key
from chain.crypto.hashing import address_of, sha256, tagged
from chain.crypto.secp256k1 import public_key, sign
from fedlearn.runtime.names import tag_of
from fedlearn.transport.errors import BoardAnswerWrong
from fedlearn.transport.store import MarketStore

TRAINING: Final = f"{MARKET}/training"
PAGE: Final = 200
_WRONG = (KeyError, TypeError, ValueError)


@dataclass(frozen=True)
class Notice:
    """An organisation looks for homes. ``enterprise`` is the address to write to; ``plan`` is empty in a list."""

    number: int
    plan_hash: bytes
    enterprise: bytes
    enterprise_name: str
    template: str
    purpose: str
    device_classes: tuple[str, ...]
    open: bool
    closes_at: datetime
    plan: bytes = b""


@dataclass(frozen=True)
class Answer:
    """A hub takes part under a pseudonym: its address, its key (33 bytes) and its bundle of public keys."""

    number: int
    address: bytes
    public_key: bytes
    bundle: bytes


class BoardClient:
    """One market's board, over an ``httpx.Client`` that knows its base URL, for the bearer of ``token``.

    Raises ``HearthError`` with the market's own code for whatever it refuses, ``MarketAway`` if it is not there, and
    ``BoardAnswerWrong`` if it contradicts itself.
    """

    def __init__(self, http: httpx.Client, token: str, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._api, self._token = Http(http, token, pause=pause), token

    def store(self, identity: str) -> MarketStore:
        """The mail of one of the account's pseudonyms, for the runtime; raises ``IdentityInvalid``."""
        return MarketStore(self._api, tag_of(identity))

    # Pseudonyms.

    def pseudonym_register(self, key: Key | bytes) -> bytes:
        """Register the pseudonym of a key for the token's account; gives its address. Repeating it changes nothing."""
        secret = key if isinstance(key, bytes) else key.secret
        public = public_key(secret)
        asked = self._api.json("POST", f"{MARKET}/challenges", idempotent=True, json={"public_key": public.hex()})
        challenge = str(asked["challenge"]) if isinstance(asked, dict) and "challenge" in asked else ""
        digest = tagged("hearth/pseudonym", challenge.encode(), public, sha256(self._token.encode()))
        proof = {"public_key": public.hex(), "challenge": challenge, "signature": sign(secret, digest).hex()}
        self._api.json("POST", f"{TRAINING}/pseudonyms", json=proof)
        return address_of(public)

    def pseudonym_leave(self, address: bytes) -> None:
        """Remove a pseudonym with its answer and its mailbox; one that is gone already is no error."""
        self._api.call("DELETE", f"{TRAINING}/pseudonyms/{address.hex()}")

    # Notices, for organisations.

    def notice_post(self, plan: bytes, purpose: str, device_classes: Sequence[str], closes_at: datetime) -> Notice:
        """Post a notice; posting the same again gives the one that is there."""
        body = {
            "plan": plan.hex(),
            "purpose": purpose,
            "device_classes": list(device_classes),
            "closes_at": closes_at.isoformat(),
        }
        return _whole(self._api.json("POST", f"{TRAINING}/notices", idempotent=True, json=body), sha256(plan))

    def notice_close(self, plan_hash: bytes) -> Notice:
        """Take no more answers; repeating it changes nothing."""
        return _whole(self._api.json("POST", f"{_notice(plan_hash)}/close", idempotent=True), plan_hash)

    def answers(self, plan_hash: bytes, after: int = 0) -> list[Answer]:
        """The answers to an own notice in the order of their numbers, those above ``after``."""
        return [_answer(row) for row in self._rows(f"{_notice(plan_hash)}/answers", {"after": after})]

    # Notices, for everybody with a token.

    def notices(self, *, only_open: bool = True, template: str = "", after: int = 0) -> list[Notice]:
        """Notices in the order of their numbers, without their plans.

        Numbers are given out before they can be seen: who asks with ``after`` alone may miss one, so ask for all that
        are open once in a while.
        """
        query = {"after": after, **({"open": 1} if only_open else {}), **({"template": template} if template else {})}
        return [_read(row) for row in self._rows(f"{TRAINING}/notices", query)]

    def notice(self, plan_hash: bytes) -> Notice:
        """One notice with its plan, whose hash was checked. Raises ``NotFound``."""
        return _whole(self._api.json("GET", _notice(plan_hash)), plan_hash)

    # Answers, for hubs.

    def answer(self, plan_hash: bytes, address: bytes, bundle: bytes) -> None:
        """Take part under a registered pseudonym; answering the same again changes nothing."""
        body = {"address": address.hex(), "bundle": bundle.hex()}
        self._api.json("POST", f"{_notice(plan_hash)}/answers", idempotent=True, json=body)

    def withdraw(self, plan_hash: bytes) -> None:
        """Take the hub's answer back; repeating it is no error."""
        self._api.call("DELETE", f"{_notice(plan_hash)}/answers")

    def _rows(self, path: str, query: dict[str, Any]) -> Iterator[Any]:
        """The rows of all pages."""
        while True:
            page = self._api.json("GET", path, params={**query, "limit": PAGE})
            try:
                rows, following = list(page["results"]), page["next"]
                yield from rows
                if following is None:
                    return
                if int(following) <= int(query.get("after", 0)):
                    raise BoardAnswerWrong("The pages do not get on")
                query = {**query, "after": int(following)}
            except _WRONG as fault:
                raise BoardAnswerWrong from fault


def _notice(plan_hash: bytes) -> str:
    return f"{TRAINING}/notices/{plan_hash.hex()}"


def _read(told: Any) -> Notice:
    try:
        return Notice(
            number=int(told["number"]),
            plan_hash=_fixed(told["plan_hash"], 32),
            enterprise=_fixed(told["enterprise"], 20),
            enterprise_name=str(told["enterprise_name"]),
            template=str(told["template"]),
            purpose=str(told["purpose"]),
            device_classes=tuple(map(str, told["device_classes"])),
            open=bool(told["open"]),
            closes_at=datetime.fromisoformat(told["closes_at"]),
            plan=bytes.fromhex(told.get("plan", "")),
        )
    except _WRONG as fault:
        raise BoardAnswerWrong from fault


def _whole(told: Any, plan_hash: bytes) -> Notice:
    notice = _read(told)
    if notice.plan_hash != plan_hash or sha256(notice.plan) != plan_hash:
        raise BoardAnswerWrong("The plan is not the one that was asked for")
    return notice


def _answer(told: Any) -> Answer:
    try:
        answer = Answer(
            number=int(told["number"]),
            address=_fixed(told["address"], 20),
            public_key=_fixed(told["public_key"], 33),
            bundle=bytes.fromhex(told["bundle"]),
        )
    except _WRONG as fault:
        raise BoardAnswerWrong from fault
    if address_of(answer.public_key) != answer.address:
        raise BoardAnswerWrong("The pseudonym's address is not that of its key")
    return answer


def _fixed(text: Any, size: int) -> bytes:
    """Raises ``ValueError``, ``TypeError``."""
    found = bytes.fromhex(text)
    if len(found) != size:
        raise ValueError("wrong length")
    return found
