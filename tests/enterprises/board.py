"""The board with two hubs and two accredited organisations, called through the real REST API in process."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import httpx
from django.utils import timezone
from rest_framework.test import APIClient

from chain.crypto.hashing import sha256
from chain.wallets.signer import Signer
from enterprises.partners.models import MarketToken, Organisation
from enterprises.partners.tokens import token_digest
from fedlearn.learners.plan import Hyper, Strategy, TrainingPlan, plan_encode
from fedlearn.transport import BoardClient, Notice
from tests.enterprises.home import hub_token, register
from tests.enterprises.ledger import signer_of

BUNDLE = b'{"keys": "of a pseudonym"}'
CLASSES = ("climate", "occupancy")
M = "/api/v1/market/"
_numbers = count(1)


class DjangoTransport(httpx.BaseTransport):
    """Django's test client as a transport: no network, and the test's own transaction. ``after`` may lose answers."""

    def __init__(self) -> None:
        self.api = APIClient()
        self.calls: list[str] = []
        self.lost = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        self.calls.append(f"{request.method} {request.url.path}")
        headers = {name: value for name, value in request.headers.items() if name not in ("host", "content-type")}
        answer = self.api.generic(
            request.method,
            request.url.raw_path.decode(),
            body,
            content_type=request.headers.get("content-type", ""),
            headers=headers,
            **({} if body else no_body(request.headers.get("content-type", ""))),
        )
        if self.lost:
            self.lost -= 1
            raise httpx.ReadError("the answer was lost")
        return httpx.Response(answer.status_code, headers=dict(answer.items()), content=answer.content)


class Party:
    """A hub or an organisation with its token; ``pseudonym()`` makes it a fresh one."""

    def __init__(self, token: str, wallet: Signer | None = None) -> None:
        self.token, self.wallet = token, wallet
        self.transport = DjangoTransport()
        self.http = httpx.Client(transport=self.transport, base_url="http://market.test")
        self.board = BoardClient(self.http, token, pause=lambda _: None)
        self.api = APIClient(headers={"Authorization": f"Bearer {token}"})

    @property
    def row(self) -> MarketToken:
        return MarketToken.objects.get(digest=token_digest(self.token))

    def pseudonym(self) -> Signer:
        key = signer_of(f"pseudonym-{next(_numbers)}")
        assert self.board.pseudonym_register(key.secret) == key.address
        return key

    def put(self, to: bytes, sender: bytes, name: str | int, data: bytes, **headers: str) -> Any:
        """PUT an object as it is; the hash may be given wrong."""
        return self.api.put(
            mail_url(to, sender, name),
            data,
            content_type="application/octet-stream",
            headers={"X-Object-Sha256": sha256(data).hex(), **headers},
            **({} if data else no_body("application/octet-stream")),
        )


def no_body(media_type: str) -> dict[str, str]:
    """What Django's test client leaves out when there is no body, and clients do not."""
    return {"CONTENT_LENGTH": "0", "CONTENT_TYPE": media_type}


def mail_url(to: bytes, sender: bytes, name: str | int) -> str:
    name = f"{name:016d}" if isinstance(name, int) else name
    return f"{M}mailbox/{to.hex()}/{sender.hex()}/{name}"


def hub_new() -> Party:
    return Party(hub_token(signer_of(f"board-hub-{next(_numbers)}")))


def organisation_new(*, accredited: bool = True) -> Party:
    wallet = signer_of(f"board-organisation-{next(_numbers)}")
    token = register(f"{M}organisations", wallet, name="Acme Analytics", contact="a@example.org")
    if accredited:
        Organisation.objects.filter(address=wallet.address.hex()).update(
            status=Organisation.Status.ACCREDITED, accredited_until=timezone.now() + timedelta(days=30)
        )
    return Party(token, wallet)


def plan_new(seed: int | None = None) -> bytes:
    """The bytes of a plan that no other test has."""
    return plan_encode(
        TrainingPlan(
            task="next_hour_load", family="linear", hyper=Hyper(50_000), strategy=Strategy("fedavg"), rounds=3,
            epochs=1, batch_size=32, cohort=5, minimum=3, deadline_s=600, clip_micro=1_000_000,
            seed=next(_numbers) if seed is None else seed,
        )
    )  # fmt: skip


def notice_new(organisation: Party, plan: bytes | None = None, **changes: Any) -> Notice:
    said = {
        "purpose": "Forecast load",
        "device_classes": CLASSES,
        "closes_at": timezone.now() + timedelta(days=1),
        **changes,
    }
    return organisation.board.notice_post(plan or plan_new(), **said)


def acquainted(organisation: Party, hub: Party) -> tuple[Signer, Signer]:
    """The organisation's wallet and a pseudonym of the hub that answered a notice of it."""
    notice, key = notice_new(organisation), hub.pseudonym()
    hub.board.answer(notice.plan_hash, key.address, BUNDLE)
    assert organisation.wallet is not None
    return organisation.wallet, key
