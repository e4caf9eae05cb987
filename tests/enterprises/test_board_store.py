"""The runtime's store over the market: what stores promise, on the names that a mailbox has; and real nodes on it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.utils import timezone

from chain.client.http import Http
from chain.client.inprocess import market_in_process
from chain.client.market import MarketClient
from chain.wallets.signer import Signer
from enterprises.board.models import MailObject
from enterprises.board.sweeping import board_sweep
from fedlearn.runtime.errors import KeyInvalid, ObjectTooLarge, StoreUnavailable
from fedlearn.runtime.names import Role, identity_of, store_key, tag_of
from fedlearn.runtime.nodes import EnterpriseNode, HubNode
from fedlearn.runtime.ports import PAGE, Store
from fedlearn.runtime.stores import all_keys
from fedlearn.transport import BoardClient, MarketStore
from tests.enterprises.board import BUNDLE, M, Party, acquainted, hub_new, organisation_new, plan_new
from tests.enterprises.ledger import signer_of
from tests.pure.fedlearn.runtime.channel_contract import ChannelContract
from tests.pure.fedlearn.runtime.world import ENTERPRISE, HUB, World, befriend

pytestmark = pytest.mark.django_db
LIMIT = 2**20


class Side:
    """One party of a pair with its store."""

    def __init__(self, party: Party, key: Signer, role: Role) -> None:
        self.party, self.address = party, key.address.hex()
        self.store = party.board.store(identity_of(role, self.address))


@pytest.fixture
def sides(db: None) -> tuple[Side, Side]:
    acme, hub = organisation_new(), hub_new()
    wallet, key = acquainted(acme, hub)
    return Side(acme, wallet, "enterprise"), Side(hub, key, "hub")


def letter(to: Side, sender: Side, number: int = 1) -> str:
    return f"mail/{to.address}/{sender.address}/{number:016d}"


class TestPromises:
    def test_what_was_put_is_got_by_the_other_side(self, sides: tuple[Side, Side]) -> None:
        for one, other in (sides, sides[::-1]):
            one.store.put(letter(other, one), b"\x00one")
            one.store.put(letter(other, one, 2), b"")
            assert other.store.get(letter(other, one), LIMIT) == b"\x00one"
            assert other.store.get(letter(other, one, 2), LIMIT) == b""
            assert other.store.get(letter(other, one, 3), LIMIT) is None

    def test_putting_again_replaces(self, sides: tuple[Side, Side]) -> None:
        one, other = sides
        one.store.put(letter(other, one), b"a long first value")
        one.store.put(letter(other, one), b"short")
        assert other.store.get(letter(other, one), LIMIT) == b"short"
        assert other.store.keys(f"mail/{other.address}/") == [letter(other, one)]

    def test_deleting_twice_is_no_error_for_both_sides(self, sides: tuple[Side, Side]) -> None:
        one, other = sides
        for by in sides:
            one.store.put(letter(other, one), b"x")
            by.store.delete(letter(other, one))
            by.store.delete(letter(other, one))
            assert other.store.keys(f"mail/{other.address}/") == []

    def test_keys_are_sorted_and_come_in_pages_also_while_they_are_deleted(
        self, sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("fedlearn.transport.store.PAGE_MAX", 3)
        one, other = sides
        names = [letter(other, one, number) for number in range(1, 12)]
        for name in reversed(names):
            one.store.put(name, b"x")
        for folder, reader in (
            (f"mail/{other.address}/", other),
            (f"mail/{other.address}/{one.address}/", other),
            (f"mail/{other.address}/{one.address}/", one),
        ):
            assert reader.store.keys(folder) == names
            assert reader.store.keys(folder, limit=5) == names[:5]
            assert reader.store.keys(folder, after=names[4], limit=5) == names[5:10]
            assert reader.store.keys(folder, after=names[-1]) == []
            assert reader.store.keys(folder, after="zzz/a/b") == []
            assert reader.store.keys(folder, after="a") == names
        seen = []
        for key in all_keys(other.store, f"mail/{other.address}/", page=5):
            other.store.delete(key)
            seen.append(key)
        assert seen == names

    def test_requests_and_bundles_go_the_way_that_the_runtime_writes_them(self, sides: tuple[Side, Side]) -> None:
        enterprise, hub = sides
        enterprise.store.put(f"request/{hub.address}/{enterprise.address}", b"1")
        enterprise.store.put(f"bundle/{hub.address}/{enterprise.address}", BUNDLE)
        assert hub.store.keys(f"request/{hub.address}/") == [f"request/{hub.address}/{enterprise.address}"]
        assert hub.store.get(f"bundle/{hub.address}/{enterprise.address}", LIMIT) == BUNDLE
        assert hub.store.keys(f"bundle/{hub.address}/") == [f"bundle/{hub.address}/{enterprise.address}"]
        assert enterprise.store.get(f"bundle/{enterprise.address}/{hub.address}", LIMIT) is None
        assert hub.store.get(f"request/{hub.address}/{enterprise.address}", LIMIT) == b"1"
        enterprise.store.delete(f"request/{hub.address}/{enterprise.address}")
        assert hub.store.keys(f"request/{hub.address}/") == []

    def test_an_object_beyond_the_limit_is_refused_and_one_at_it_is_not(
        self, sides: tuple[Side, Side], settings: Any
    ) -> None:
        one, other = sides
        one.store.put(letter(other, one), b"x" * 100)
        assert other.store.get(letter(other, one), 100) == b"x" * 100
        with pytest.raises(ObjectTooLarge):
            other.store.get(letter(other, one), 99)
        settings.HEARTH_MAIL_MAX_BYTES = 99
        with pytest.raises(ObjectTooLarge):
            one.store.put(letter(other, one, 2), b"x" * 100)

    @pytest.mark.parametrize(
        "key",
        ["", "/mail", "mail/", "mail/../b", "mail/.hidden", "ä", "mail/a/b/1", "nail/{one}/{two}/0000000000000001",
         "mail/{one}/{two}/1", "mail/{one}/{two}", "request/{one}/{two}/x", "mail/{one}/{two}/0000000000000001/x"],
    )  # fmt: skip
    def test_a_key_that_is_none_of_a_mailbox_is_refused_before_it_is_sent(
        self, sides: tuple[Side, Side], key: str
    ) -> None:
        one, other = sides
        key = key.format(one=one.address, two=other.address)
        before = list(one.party.transport.calls)
        for call in (lambda: one.store.put(key, b"x"), lambda: one.store.get(key, 9), lambda: one.store.delete(key)):
            with pytest.raises(KeyInvalid):
                call()
        assert one.party.transport.calls == before

    @pytest.mark.parametrize(
        "prefix", ["mail/", "bundle/{one}/{two}/", "mail/{one}", "mail/{one}/{two}/x/", "mail/a/", "", "/"]
    )
    def test_a_folder_that_a_mailbox_has_not_is_refused(self, sides: tuple[Side, Side], prefix: str) -> None:
        one, other = sides
        with pytest.raises(KeyInvalid):
            one.store.keys(prefix.format(one=one.address, two=other.address))


class TestFailing:
    def test_a_lost_answer_is_tried_again_and_does_no_harm(self, sides: tuple[Side, Side]) -> None:
        one, other = sides
        one.party.transport.lost = 2
        one.store.put(letter(other, one), b"x")
        other.party.transport.lost = 2
        assert other.store.get(letter(other, one), LIMIT) == b"x"
        other.party.transport.lost = 2
        other.store.delete(letter(other, one))
        assert not MailObject.objects.exists()

    def test_a_market_that_is_away_is_not_taken_for_an_empty_mailbox(self, sides: tuple[Side, Side]) -> None:
        one, other = sides
        other.party.transport.lost = 1000
        for call in (
            lambda: other.store.get(letter(other, one), LIMIT),
            lambda: other.store.keys(f"mail/{other.address}/"),
            lambda: other.store.put(letter(one, other), b"x"),
            lambda: other.store.delete(letter(other, one)),
        ):
            with pytest.raises(StoreUnavailable):
                call()

    @pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 500, 503, 507])
    def test_no_answer_but_the_markets_own_no_means_that_there_is_nothing(
        self, sides: tuple[Side, Side], status: int
    ) -> None:
        one, other = sides
        wrong = httpx.Client(
            transport=httpx.MockTransport(lambda request: httpx.Response(status, text="<html>")),
            base_url="http://proxy",
        )
        store = MarketStore(Http(wrong, pause=lambda _: None), other.address)
        with pytest.raises(StoreUnavailable):
            store.get(letter(other, one), LIMIT)
        with pytest.raises(StoreUnavailable):
            store.delete(letter(other, one))
        with pytest.raises(StoreUnavailable):
            store.keys(f"mail/{other.address}/")

    def test_a_mailbox_that_went_is_unavailable_and_not_empty(self, sides: tuple[Side, Side]) -> None:
        one, other = sides
        other.party.board.pseudonym_leave(bytes.fromhex(other.address))
        with pytest.raises(StoreUnavailable):
            other.store.keys(f"mail/{other.address}/")
        with pytest.raises(StoreUnavailable):
            one.store.put(letter(other, one), b"x")

    @pytest.mark.parametrize(
        "told",
        [[], {}, {"results": [], "oops": 1}, {"results": [{"sender": "../x", "name": "1"}], "next": None},
         {"results": [{"sender": "00" * 20, "name": "../1"}], "next": None}, {"results": [7], "next": None},
         {"results": [], "next": "x"}],
    )  # fmt: skip
    def test_a_list_that_names_anything_else_is_not_believed(
        self, sides: tuple[Side, Side], told: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _, other = sides
        monkeypatch.setattr(other.store._api, "json", lambda *a, **k: told)
        with pytest.raises(StoreUnavailable):
            other.store.keys(f"mail/{other.address}/")


class Renamed:
    """A market's store under the short names that the channel's tests have."""

    def __init__(self, inner: Store, addresses: dict[str, str]) -> None:
        self.inner, self.addresses = inner, addresses

    def put(self, key: str, data: bytes) -> None:
        self.inner.put(self._long(key), data)

    def get(self, key: str, max_bytes: int) -> bytes | None:
        return self.inner.get(self._long(key), max_bytes)

    def keys(self, prefix: str, after: str = "", limit: int = PAGE) -> list[str]:
        shorts = {long: short for short, long in self.addresses.items()}
        return [self._in(shorts, key) for key in self.inner.keys(self._long(prefix), self._long(after), limit)]

    def delete(self, key: str) -> None:
        self.inner.delete(self._long(key))

    def _long(self, key: str) -> str:
        return self._in(self.addresses, key)

    def _in(self, names: dict[str, str], key: str) -> str:
        return "/".join(names.get(part, part) for part in key.split("/"))


class TestNodesOverTheMarket(ChannelContract):
    """The real mailbox with Syft's envelopes, each side with its own token."""

    @pytest.fixture
    def sides(self, db: None, tmp_path: Path) -> Iterator[Any]:
        acme, hub = organisation_new(), hub_new()
        wallet, key = acquainted(acme, hub)
        addresses = {tag_of(ENTERPRISE): wallet.address.hex(), tag_of(HUB): key.address.hex()}
        world = World(tmp_path / "nodes")

        def long_name(name: str) -> str:
            return name.replace(tag_of(name), addresses[tag_of(name)])

        with world.stack:
            opened: list[Any] = [
                world.stack.enter_context(
                    kind.opened(
                        tmp_path / name[:3], name, Renamed(party.board.store(long_name(name)), addresses), world.pins
                    )
                )
                for kind, name, party in ((EnterpriseNode, ENTERPRISE, acme), (HubNode, HUB, hub))
            ]
            world.pins.update({node.identity: node.fingerprint for node in opened})
            befriend(opened[0], [opened[1]])
            yield tuple(opened)


def test_over_asgi_from_registration_to_an_empty_mailbox(transactional_db: None) -> None:
    """The same without Django's test client: the application as a server runs it."""
    from marketplace.asgi import _http

    with market_in_process(_http) as http:
        acme = BoardClient(http, organisation_new().token)
        hub = BoardClient(http, MarketClient(http).hub_register(signer_of("asgi-hub").secret))
        address = hub.pseudonym_register(signer_of("asgi-pseudonym").secret)
        notice = acme.notice_post(plan_new(), "Forecast load", ["climate"], timezone.now() + timedelta(days=1))
        hub.answer(notice.plan_hash, address, BUNDLE)
        reader, writer = identity_of("hub", address.hex()), identity_of("enterprise", notice.enterprise.hex())
        for number, data in ((1, b""), (2, bytes(range(256)) * 8192)):
            key = store_key("mail", reader, writer, number)
            acme.store(writer).put(key, data)
            assert hub.store(reader).get(key, 2**23) == data
        hub.pseudonym_leave(address)
        board_sweep()
        assert not MailObject.objects.exists()
        assert http.get(f"{M}training/notices").status_code == 401
