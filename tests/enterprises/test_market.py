"""The market role: registration, the store, the index, cells, previews, and what operators do."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from chain.contracts.market.rows import Unlist
from chain.crypto.hashing import tagged
from enterprises.catalog.indexing import catalog_advance, catalog_reindex
from enterprises.catalog.models import CatalogCursor, CatalogLot, CellHome, StoredObject
from enterprises.catalog.objects import objects_sweep
from enterprises.checkout.preview import preview_checked
from enterprises.errors import PreviewContradicts
from enterprises.partners import services
from enterprises.partners.models import CreditGrant, HubAccount, MarketToken, Organisation
from marketplace.common.errors import InputError, Unavailable
from tests.enterprises.conftest import Buyer
from tests.enterprises.home import Home, Lot, hub_token, register
from tests.enterprises.ledger import SharedLedger, signer_of
from tests.enterprises.market import connect, source

pytestmark = pytest.mark.django_db
LOTS = "/api/v1/market/lots"


def found(**query: Any) -> list[str]:
    answer = APIClient().get(LOTS, query)
    assert answer.status_code == 200, answer.content
    return [lot["lot_id"] for lot in answer.json()["results"]]


def put(home: Home, object_id: str, data: bytes, **headers: str) -> Any:
    headers = {"X-Object-Sha256": hashlib.sha256(data).hexdigest(), **headers}
    return home.api.put(
        f"/api/v1/market/objects/{object_id}", data, content_type="application/octet-stream", headers=headers
    )


def read(client: APIClient, object_id: str, **headers: str) -> Any:
    return client.get(f"/api/v1/market/objects/{object_id}", headers=headers)


class TestRegistration:
    def test_a_hub_that_registers_again_has_one_account_and_its_old_token_is_void(self, ledger: SharedLedger) -> None:
        key = signer_of("hub-again")
        first, second = hub_token(key), hub_token(key)
        assert HubAccount.objects.count() == 1
        assert [read(APIClient(headers={"Authorization": f"Bearer {token}"}), "00" * 32).status_code
                for token in (first, second)] == [401, 404]  # fmt: skip

    def test_tokens_are_kept_as_hashes_only(self, ledger: SharedLedger) -> None:
        token = hub_token(signer_of("hub-hash"))
        assert token.startswith("hub_")
        assert MarketToken.objects.get().digest == hashlib.sha256(token.encode()).hexdigest()

    @pytest.mark.parametrize("fault", ["signature", "key", "challenge", "replay"])
    def test_a_challenge_answered_wrongly_registers_nobody(self, ledger: SharedLedger, fault: str) -> None:
        api, key, other = APIClient(), signer_of("hub-x"), signer_of("hub-y")
        asked = api.post("/api/v1/market/challenges", {"public_key": key.public_key.hex()}, format="json").json()
        challenge = asked["challenge"]
        signer = other if fault == "signature" else key
        claimed = other if fault == "key" else key
        signed = tagged("hearth/register", challenge.encode(), claimed.public_key)
        body = {
            "public_key": claimed.public_key.hex(),
            "challenge": challenge + "x" if fault == "challenge" else challenge,
            "signature": signer.sign_digest(signed).hex(),
        }
        if fault == "replay":
            assert api.post("/api/v1/market/hubs", body, format="json").status_code == 201
        answer = api.post("/api/v1/market/hubs", body, format="json")
        assert (answer.status_code, answer.json()["code"]) == (403, "challenge_invalid")
        assert HubAccount.objects.count() == (1 if fault == "replay" else 0)

    def test_an_organisation_waits_until_an_operator_accredits_it_on_the_ledger(self, ledger: SharedLedger) -> None:
        key = signer_of("acme")
        token = register("/api/v1/market/organisations", key, name="Acme", contact="a@example.org")
        api = APIClient(headers={"Authorization": f"Bearer {token}"})
        assert api.get("/api/v1/market/organisations/me").json()["status"] == "pending"
        ledger.accredit(key.address, 2**50)
        catalog_advance(source())
        assert api.get("/api/v1/market/organisations/me").json()["status"] == "accredited"
        ledger.suspend(key.address)
        catalog_advance(source())
        assert api.get("/api/v1/market/organisations/me").json()["status"] == "suspended"


class TestOperators:
    @pytest.fixture
    def organisation(self, ledger: SharedLedger) -> Organisation:
        register("/api/v1/market/organisations", signer_of("acme"), name="Acme", contact="a@example.org")
        return Organisation.objects.get()

    def grant(self, organisation: Organisation, ledger: Any, key: str = "key-00001", amount: int = 50) -> CreditGrant:
        return services.credits_grant(organisation=organisation, amount=amount, key=key, operator_id=1, ledger=ledger)

    def test_a_grant_repeated_with_its_key_mints_once(self, organisation: Organisation, ledger: SharedLedger) -> None:
        grants = [self.grant(organisation, ledger) for _ in range(3)]
        assert {grant.state for grant in grants} == {CreditGrant.State.DONE}
        assert ledger.balance(signer_of("acme").address) == 50
        self.grant(organisation, ledger, key="key-00002")
        assert ledger.balance(signer_of("acme").address) == 100

    def test_a_key_serves_one_amount_only(self, organisation: Organisation, ledger: SharedLedger) -> None:
        self.grant(organisation, ledger)
        with pytest.raises(InputError):
            self.grant(organisation, ledger, amount=51)

    def test_a_mint_whose_answer_was_lost_is_found_and_not_made_twice(
        self, organisation: Organisation, ledger: SharedLedger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        honest = ledger.mint

        def lost(address: bytes, amount: int) -> bytes:
            honest(address, amount)
            raise Unavailable

        monkeypatch.setattr(ledger, "mint", lost)
        with pytest.raises(Unavailable):
            self.grant(organisation, ledger)
        monkeypatch.setattr(ledger, "mint", honest)
        assert self.grant(organisation, ledger).state == CreditGrant.State.DONE
        assert ledger.balance(signer_of("acme").address) == 50

    def test_accrediting_twice_until_the_same_day_is_one_transaction(
        self, organisation: Organisation, ledger: SharedLedger
    ) -> None:
        until = timezone.now() + timedelta(days=5000)
        services.organisation_accredit(organisation=organisation, until=until, ledger=ledger)
        height = ledger.height()
        services.organisation_accredit(organisation=organisation, until=until, ledger=ledger)
        assert ledger.height() == height


class TestStore:
    def test_the_same_bytes_may_be_put_again_and_others_not(self, home: Home) -> None:
        object_id = "ab" * 32
        assert put(home, object_id, b"sealed").status_code == 201
        assert put(home, object_id, b"sealed").status_code == 201
        answer = put(home, object_id, b"others")
        assert (answer.status_code, answer.json()["code"]) == (409, "object_taken")
        assert b"".join(read(home.api, object_id).streaming_content) == b"sealed"

    def test_bytes_that_differ_from_the_announced_hash_are_not_kept(self, home: Home) -> None:
        wrong = hashlib.sha256(b"else").hexdigest()
        answer = put(home, "cd" * 32, b"sealed", **{"X-Object-Sha256": wrong})
        assert (answer.status_code, answer.json()["code"]) == (422, "object_hash_wrong")
        assert not StoredObject.objects.exists()
        assert put(home, "cd" * 32, b"sealed").status_code == 201

    def test_an_upload_broken_off_goes_on_from_where_it_was(self, home: Home) -> None:
        data, object_id = bytes(range(256)) * 10, "ef" * 32
        whole = {"X-Object-Sha256": hashlib.sha256(data).hexdigest()}
        assert put(home, object_id, data[:1000], **whole, **{"Content-Range": "bytes 0-999/2560"}).status_code == 202
        head = home.api.head(f"/api/v1/market/objects/{object_id}")
        assert head["X-Received"] == "1000"
        assert read(home.api, object_id).status_code == 404
        rest = {**whole, "Content-Range": "bytes 1000-2559/2560"}
        assert put(home, object_id, data[1000:], **rest).status_code == 201
        assert b"".join(read(home.api, object_id).streaming_content) == data

    @pytest.mark.parametrize(
        ("wanted", "status", "expected"),
        [("bytes=2-4", 206, b"234"), ("bytes=7-", 206, b"789"), ("bytes=-2", 206, b"89"), ("bytes=5-99", 206, b"56789"),
         ("bytes=10-", 416, None), ("bytes=4-2", 416, None), ("", 200, b"0123456789")],
    )  # fmt: skip
    def test_ranges(self, home: Home, wanted: str, status: int, expected: bytes | None) -> None:
        put(home, "12" * 32, b"0123456789")
        answer = read(home.api, "12" * 32, Range=wanted)
        assert answer.status_code == status
        if expected is not None:
            assert b"".join(answer.streaming_content) == expected

    def test_only_who_has_the_secret_deletes_and_the_row_knows_no_account(self, home: Home) -> None:
        digest = hashlib.sha256(b"my secret").hexdigest()
        put(home, "34" * 32, b"sealed", **{"X-Deletion-Digest": digest})
        url = f"/api/v1/market/objects/{'34' * 32}"
        assert home.api.delete(url, headers={"X-Deletion-Secret": "guess"}).status_code == 403
        assert home.api.delete(url, headers={"X-Deletion-Secret": "my secret"}).status_code == 204
        assert home.api.delete(url, headers={"X-Deletion-Secret": "my secret"}).status_code == 204
        assert read(home.api, "34" * 32).status_code == 404
        assert not {field.name for field in StoredObject._meta.get_fields()} & {"hub", "account", "owner", "token"}

    def test_an_object_over_the_limit_is_refused_unread(self, home: Home, settings: Any) -> None:
        settings.HEARTH_OBJECT_MAX_BYTES = 5
        answer = put(home, "56" * 32, b"sealed")
        assert (answer.status_code, answer.json()["code"]) == (413, "object_too_large")

    def test_orphans_go_after_their_time_and_wanted_objects_stay(self, home: Home, lot: Lot) -> None:
        put(home, "78" * 32, b"orphan")
        assert objects_sweep(orphan_after_s=3600) == 0
        assert objects_sweep(orphan_after_s=0) == 1
        assert read(home.api, lot.secrets.object_id.hex()).status_code == 200
        assert not storages["lots"].exists(f"78/{'78' * 32}")

    def test_the_object_of_an_unlisted_lot_stays_until_its_orders_are_finished(
        self, buyer: Buyer, home: Home, lot: Lot
    ) -> None:
        buyer.order(lot)
        buyer.rounds()
        home.ledger.call(lot.payee, "market.unlist", Unlist())
        catalog_advance(source())
        assert objects_sweep() == 0
        home.deliver(lot)
        buyer.rounds()
        catalog_advance(source())
        assert objects_sweep() == 1


class TestCatalog:
    def test_a_cell_with_too_few_homes_shows_nothing(self, ledger: SharedLedger) -> None:
        lonely = Home(ledger, cell="g10:1:1")
        lot = lonely.list(lonely.seal())
        catalog_advance(source())
        assert found() == []
        assert APIClient().get(f"{LOTS}/{lot.id}").status_code == 404
        lonely.api.post("/api/v1/market/cells", {"cell": "g10:1:1"}, format="json")
        assert found() == [], "one account counts once"
        Home(ledger).api.post("/api/v1/market/cells", {"cell": "g10:1:1"}, format="json")
        assert found() == [lot.id]

    def test_a_home_not_heard_of_for_a_season_no_longer_counts(self, lot: Lot) -> None:
        assert found() == [lot.id]
        CellHome.objects.update(seen_on=timezone.now().date() - timedelta(days=91))
        assert found() == []

    def test_a_lot_is_shown_only_while_its_object_is_there(self, home: Home) -> None:
        lot = home.anchor(home.seal())
        home.api.post("/api/v1/market/cells", {"cell": home.cell}, format="json")
        catalog_advance(source())
        assert found() == []
        home.upload(lot)
        assert found() == [lot.id]

    def test_search_facets_and_sort(self, home: Home) -> None:
        warm = home.list(home.seal(price=30))
        damp = home.list(home.seal(quantity="humidity", price=10))
        dear = home.list(home.seal(quantity="humidity", price=90))
        catalog_advance(source())
        assert set(found(q="humid bft")) == {damp.id, dear.id}
        assert found(q="humid wind") == []
        assert found(sort="cheapest") == [damp.id, warm.id, dear.id]
        assert found(quantity="humidity", price_max=50) == [damp.id]
        assert set(found(quantity=["humidity", "temperature"])) == {warm.id, damp.id, dear.id}
        facets = APIClient().get("/api/v1/market/facets", {"quantity": "humidity"}).json()
        assert facets["count"] == 2
        assert facets["facets"]["quantity"] == [
            {"value": "humidity", "count": 2, "chosen": True},
            {"value": "temperature", "count": 1, "chosen": False},
        ]
        assert facets["bounds"]["price_max"] == 90
        assert APIClient().get(LOTS, {"sort": "nonsense"}).json()["code"] == "input_invalid"
        assert APIClient().get(LOTS, {"price_min": "x"}).status_code == 400

    def test_a_rebuilt_index_equals_the_one_that_followed(self, buyer: Buyer, home: Home, lot: Lot) -> None:
        home.list(home.seal())
        buyer.order(lot)
        buyer.rounds()
        catalog_advance(source())
        columns = [field.name for field in CatalogLot._meta.fields if field.name not in ("id", "indexed_at")]
        before = list(CatalogLot.objects.order_by("lot_id").values(*columns))
        CatalogLot.objects.all().delete()
        CatalogCursor.objects.update(height=0)
        assert catalog_reindex(source()) == 2
        assert list(CatalogLot.objects.order_by("lot_id").values(*columns)) == before
        assert catalog_advance(source()) == 0

    def test_pages_of_lots(self, home: Home) -> None:
        for _ in range(3):
            home.list(home.seal())
        catalog_advance(source())
        answer = APIClient().get(LOTS, {"page_size": 2}).json()
        assert (answer["count"], len(answer["results"])) == (3, 2)

    def test_reading_the_catalog_touches_no_account(self, lot: Lot) -> None:
        with CaptureQueriesContext(connections["market"]) as queries:
            found()
        assert not any("markettoken" in query["sql"] for query in queries)


class TestPreview:
    def test_a_preview_checks_against_the_roots_and_shows_signed_rows(self, lot: Lot) -> None:
        preview = preview_checked(connect(), lot.id, lot.publish_tx)
        shown = {float(row[1]) for row in preview.rows}
        assert len(preview.indices) == 2
        assert shown and shown <= {value / 100 for _, value in lot.rows}

    @pytest.mark.parametrize("part", ["chunk", "key", "index", "key_path", "cipher_path", "plain_path"])
    def test_a_preview_altered_anywhere_is_refused(self, lot: Lot, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
        preview = connect().preview(lot.id)
        chunk = preview["chunks"][0]
        if part == "chunk":
            data = bytearray(base64.b64decode(chunk["chunk"]))
            data[5] ^= 1
            chunk["chunk"] = base64.b64encode(bytes(data)).decode()
        elif part == "key":
            chunk["key"] = "00" * 32
        elif part == "index":
            chunk["index"] += 1
        else:
            chunk[part][0] = "00" * 32
        monkeypatch.setattr(connect(), "preview", lambda lot_id: preview)
        with pytest.raises(PreviewContradicts):
            preview_checked(connect(), lot.id, lot.publish_tx)

    def test_a_licence_is_found_by_its_hash(self, lot: Lot) -> None:
        answer = APIClient().get(f"/api/v1/market/licences/{lot.digest.licence.hex()}").json()
        assert (answer["kind"], answer["hash"]) == ("copy", lot.digest.licence.hex())
        assert hashlib.sha256(answer["body"].encode()).hexdigest() == answer["hash"]
        assert APIClient().get(f"/api/v1/market/licences/{'00' * 32}").json()["code"] == "licence_unknown"
