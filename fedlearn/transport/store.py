"""The runtime's ``Store`` over the market's mailboxes.

The market holds each caller to its part of a key ``KIND/READER/WRITER`` (mail with a number behind it), as
``fedlearn.runtime.names.store_key`` makes them: the writer puts, the reader gets, both list and delete.
"""

from __future__ import annotations

import logging
import re
from typing import Any, Final, NoReturn

from chain.client.http import Http
from chain.crypto.hashing import sha256
from fedlearn.runtime.errors import KeyInvalid, ObjectTooLarge, StoreUnavailable
from fedlearn.runtime.names import key_check, prefix_check
from fedlearn.runtime.ports import PAGE
from marketplace.common.errors import HearthError

MAILBOX: Final = "/api/v1/market/mailbox"
MAIL: Final = "mail"
KINDS: Final = (MAIL, "request", "bundle")
PAGE_MAX: Final = 1000
_ADDRESS: Final = re.compile(r"[0-9a-f]{40}")
_NUMBER: Final = re.compile(r"[0-9]{16}")
_log = logging.getLogger("fedlearn.mailbox")


class MarketStore:
    """The mail of one pseudonym at one market.

    ``api`` bears the token of the account that registered it; ``own`` is its address, 40 hexadecimal digits.
    """

    def __init__(self, api: Http, own: str) -> None:
        self._api, self._own = api, own

    def put(self, key: str, data: bytes) -> None:
        """Write an object, or replace it. Raises ``KeyInvalid``, ``ObjectTooLarge``, ``StoreUnavailable``."""
        path, headers = (
            self._path(key, writer=True),
            {"Content-Type": "application/octet-stream", "X-Object-Sha256": sha256(data).hex()},
        )
        try:
            self._api.call("PUT", path, content=data, headers=headers)
        except HearthError as refusal:
            _tell(refusal)

    def get(self, key: str, max_bytes: int) -> bytes | None:
        """The object, or None only if the market itself says that there is none."""
        path = self._path(key, reader=True)
        try:
            data = self._api.call("GET", path, params={"max_bytes": max_bytes}).content
        except HearthError as refusal:
            if refusal.code == "mail_unknown":
                return None
            _tell(refusal)
        if len(data) > max_bytes:
            raise ObjectTooLarge
        return data

    def keys(self, prefix: str, after: str = "", limit: int = PAGE) -> list[str]:
        """At most ``limit`` keys under the folder, sorted, all greater than ``after``.

        There are the folders ``KIND/READER/`` and ``mail/READER/WRITER/``; raises ``KeyInvalid`` for others.
        """
        kind, reader, writer = _folder(prefix)
        query: dict[str, Any] = {"kind": kind, **({"sender": writer} if writer else {})}
        if after >= prefix:
            if not after.startswith(prefix):
                return []  # behind all that is in the folder
            query["after"] = _place(after)
        found: list[str] = []
        while len(found) < limit:
            page = self._page(reader, {**query, "limit": min(PAGE_MAX, limit - len(found))})
            found += [_key(prefix, kind, reader, row) for row in page["results"]]
            if not page["next"]:
                break
            query["after"] = page["next"]
        return found

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        path = self._path(key, reader=True, writer=True)
        try:
            self._api.call("DELETE", path)
        except HearthError as refusal:
            _tell(refusal)

    def _path(self, key: str, *, reader: bool = False, writer: bool = False) -> str:
        """Where an object is at the market; raises ``KeyInvalid`` too if the own part in it is none of these."""
        to, sender, name = _split(key)
        if not ((reader and to == self._own) or (writer and sender == self._own)):
            raise KeyInvalid("This is for another side of the mailbox to do")
        return f"{MAILBOX}/{to}/{sender}/{name}"

    def _page(self, reader: str, query: dict[str, Any]) -> dict[str, Any]:
        try:
            page = self._api.json("GET", f"{MAILBOX}/{reader}", params=query)
        except HearthError as refusal:
            _tell(refusal)
        if not isinstance(page, dict) or not isinstance(page.get("results"), list) or "next" not in page:
            raise StoreUnavailable("The market's answer is no list of mail")
        if page["next"] is not None and (not page["results"] or page["next"] == query.get("after")):
            raise StoreUnavailable("The market's pages do not get on")
        return page


def _folder(prefix: str) -> tuple[str, str, str]:
    """Kind, reader, and writer or an empty text; raises ``KeyInvalid``."""
    kind, *addresses = prefix_check(prefix)[:-1].split("/")
    most = 2 if kind == MAIL else 1
    if kind not in KINDS or not 1 <= len(addresses) <= most or not all(map(_ADDRESS.fullmatch, addresses)):
        raise KeyInvalid
    return kind, addresses[0], addresses[1] if len(addresses) == 2 else ""


def _split(key: str) -> tuple[str, str, str]:
    """Reader, writer, and the object's name at the market; raises ``KeyInvalid``."""
    kind, *parts = key_check(key).split("/")
    if kind not in KINDS or len(parts) != (3 if kind == MAIL else 2) or not all(map(_ADDRESS.fullmatch, parts[:2])):
        raise KeyInvalid
    if kind == MAIL and not _NUMBER.fullmatch(parts[2]):
        raise KeyInvalid
    return parts[0], parts[1], parts[2] if kind == MAIL else kind


def _place(key: str) -> str:
    """Where an object stands in the list of its mailbox."""
    return "/".join(_split(key)[1:])


def _key(prefix: str, kind: str, reader: str, row: Any) -> str:
    """The key of an object in a list; the market may not name one outside the folder."""
    try:
        parts = (kind, reader, row["sender"], *((row["name"],) if kind == MAIL else ()))
        key = "/".join(parts)
        _split(key)
    except (KeyError, TypeError, KeyInvalid) as fault:
        raise StoreUnavailable("The market's answer names what is no mail") from fault
    if not key.startswith(prefix):
        raise StoreUnavailable("The market's answer names what was not asked for")
    return key


def _tell(refusal: HearthError) -> NoReturn:
    """What the runtime is told of a refusal: too large for good, else that it is worth trying again."""
    if refusal.code == "mail_object_too_large":
        raise ObjectTooLarge(refusal.detail) from refusal
    if refusal.http_status != StoreUnavailable.http_status:
        _log.warning("the market refuses: %s", refusal.code)
    raise StoreUnavailable(refusal.detail) from refusal
