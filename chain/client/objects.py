"""Objects of the cloud store through the market's API: put in stretches, resumed where it broke off, read by range."""

from __future__ import annotations

from typing import Final

import httpx

from chain.client.http import Http, MarketAway
from chain.crypto.hashing import sha256
from marketplace.common.errors import NotFound

OBJECTS: Final = "/api/v1/market/objects"
STRETCH_BYTES: Final = 4 * 1024 * 1024
_OCTETS = {"Content-Type": "application/octet-stream"}


class ObjectCalls:
    """The calls about objects; ``MarketClient`` has them all."""

    _api: Http

    def object_put(self, object_id: bytes, data: bytes, *, cell: str = "", deletion_secret: bytes = b"") -> None:
        """Store an object under its id. Sending it again, or the rest of it after a break, is no error.

        ``cell`` has the hub's home counted there; ``deletion_secret`` is what deletes the object later, and only its
        hash is sent now.
        """
        headers = {**_OCTETS, "X-Object-Sha256": sha256(data).hex()}
        if deletion_secret:
            headers["X-Deletion-Digest"] = sha256(deletion_secret.hex().encode()).hex()
        query = {"cell": cell} if cell else {}
        path = f"{OBJECTS}/{object_id.hex()}"
        if len(data) <= STRETCH_BYTES:
            self._api.call("PUT", path, content=data, headers=headers, params=query)
            return
        # At least the last byte is sent, because only an answer to that says that the object is stored.
        offset = min(self.object_received(object_id), len(data) - 1)
        while offset < len(data):
            stretch = data[offset : offset + STRETCH_BYTES]
            extent = {"Content-Range": f"bytes {offset}-{offset + len(stretch) - 1}/{len(data)}"}
            told = self._api.json("PUT", path, content=stretch, headers={**headers, **extent}, params=query)
            if told.get("stored"):
                return
            received = int(told["received"])
            if received <= offset:
                raise MarketAway("The upload does not get on")
            offset = received

    def object_received(self, object_id: bytes) -> int:
        """How many bytes of an upload the store has; 0 if it knows none."""
        try:
            return int(self._api.call("HEAD", f"{OBJECTS}/{object_id.hex()}").headers.get("X-Received", "0"))
        except NotFound:
            return 0

    def object_get(self, object_id: bytes, bounds: tuple[int, int] | None = None) -> bytes:
        """An object, or its bytes from ``bounds[0]`` up to and without ``bounds[1]``; raises ``NotFound``."""
        headers = {} if bounds is None else {"Range": f"bytes={bounds[0]}-{bounds[1] - 1}"}
        response: httpx.Response = self._api.call("GET", f"{OBJECTS}/{object_id.hex()}", headers=headers)
        return response.content

    def object_delete(self, object_id: bytes, *, deletion_secret: bytes) -> None:
        """Delete an object by the secret of its upload; one that is gone already is no error."""
        self._api.call("DELETE", f"{OBJECTS}/{object_id.hex()}", headers={"X-Deletion-Secret": deletion_secret.hex()})
