"""Mailboxes: who puts, who reads, what they hold at most, how they forget, and what a killed process leaves behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db import connections
from django.utils import timezone

from chain.crypto.hashing import sha256
from chain.wallets.signer import Signer
from enterprises.board import mail
from enterprises.board.errors import (
    MailDamaged,
    MailHashWrong,
    MailKeyInvalid,
    MailNotAcquainted,
    MailObjectTooLarge,
    MailShareFull,
    MailStoreAway,
    MailStoreFull,
    MailUnknown,
    PseudonymForeign,
    PseudonymUnknown,
)
from enterprises.board.mail import MailKey, mail_put, mail_sweep
from enterprises.board.models import MailObject
from enterprises.partners.models import Organisation
from fedlearn.runtime.envelopes import MAX_OBJECT
from tests.enterprises.board import BUNDLE, M, Party, acquainted, hub_new, mail_url, notice_new, organisation_new
from tests.enterprises.market import Killed

pytestmark = pytest.mark.django_db
Pair = tuple[Party, Signer, Party, Signer]


@pytest.fixture
def pair(db: None) -> Pair:
    """An organisation with its wallet, and a hub with the pseudonym that answered it."""
    acme, hub = organisation_new(), hub_new()
    wallet, key = acquainted(acme, hub)
    return acme, wallet, hub, key


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def refusal(error: type) -> tuple[int, str]:
    return error.http_status, error.code  # type: ignore[attr-defined]


def listed(party: Party, to: bytes, **query: Any) -> list[str]:
    answer = party.api.get(f"{M}mailbox/{to.hex()}", query)
    assert answer.status_code == 200, answer.content
    return [f"{row['sender']}/{row['name']}" for row in answer.json()["results"]]


def files(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "store").rglob("*") if path.is_file()]


class TestPassing:
    def test_what_one_side_puts_the_other_reads_and_deletes(self, pair: Pair, tmp_path: Path) -> None:
        acme, wallet, hub, key = pair
        for (party, sender), (other, to) in (((acme, wallet), (hub, key)), ((hub, key), (acme, wallet))):
            put = party.put(to.address, sender.address, 1, b"\x00sealed")
            assert (put.status_code, put.json()["size_bytes"]) == (201, 7)
            url = mail_url(to.address, sender.address, 1)
            got = other.api.get(url)
            assert (got.status_code, got.content, got["ETag"]) == (200, b"\x00sealed", f'"{sha256(got.content).hex()}"')
            assert [other.api.delete(url).status_code for _ in range(2)] == [204, 204]
            assert code(other.api.get(url)) == refusal(MailUnknown)
        assert not MailObject.objects.exists() and files(tmp_path) == []

    def test_the_same_bytes_again_change_nothing_and_others_take_their_place(self, pair: Pair, tmp_path: Path) -> None:
        acme, wallet, hub, key = pair
        first = hub.put(wallet.address, key.address, 1, b"one").json()
        assert hub.put(wallet.address, key.address, 1, b"one").json() == first
        assert hub.put(wallet.address, key.address, 1, b"sealed anew").status_code == 201
        assert acme.api.get(mail_url(wallet.address, key.address, 1)).content == b"sealed anew"
        assert MailObject.objects.count() == len(files(tmp_path)) == 1

    def test_an_empty_object_is_one(self, pair: Pair) -> None:
        acme, wallet, hub, key = pair
        assert hub.put(wallet.address, key.address, 1, b"").status_code == 201
        assert acme.api.get(mail_url(wallet.address, key.address, 1)).content == b""

    def test_names_in_the_store_tell_nothing(self, pair: Pair, tmp_path: Path) -> None:
        _, wallet, hub, key = pair
        hub.put(wallet.address, key.address, 1, b"sealed")
        (path,) = files(tmp_path)
        assert path.is_relative_to(tmp_path / "store" / "mail")
        assert wallet.address.hex() not in str(path) and key.address.hex() not in str(path)

    def test_lists_a_kind_at_a_time_in_the_order_of_keys_and_in_pages(self, pair: Pair) -> None:
        acme, wallet, hub, key = pair
        _, other = acquainted(acme, second := hub_new())
        for number in (3, 1, 2):
            hub.put(wallet.address, key.address, number, b"x")
        second.put(wallet.address, other.address, 7, b"y")
        hub.put(wallet.address, key.address, "request", b"1")
        hub.put(wallet.address, key.address, "bundle", BUNDLE)
        letters = sorted([*(f"{key.address.hex()}/{n:016d}" for n in (1, 2, 3)), f"{other.address.hex()}/{7:016d}"])
        assert listed(acme, wallet.address) == letters
        assert listed(acme, wallet.address, sender=other.address.hex()) == [f"{other.address.hex()}/{7:016d}"]
        assert listed(acme, wallet.address, after=letters[1]) == letters[2:]
        assert listed(acme, wallet.address, kind="request") == [f"{key.address.hex()}/request"]
        assert listed(acme, wallet.address, kind="bundle") == [f"{key.address.hex()}/bundle"]
        page = acme.api.get(f"{M}mailbox/{wallet.address.hex()}", {"limit": 3}).json()
        assert (len(page["results"]), page["next"]) == (3, letters[2])

    def test_a_sender_sees_and_takes_back_its_own_and_nothing_else(self, pair: Pair) -> None:
        acme, wallet, hub, key = pair
        _, other = acquainted(acme, second := hub_new())
        hub.put(wallet.address, key.address, 1, b"x")
        second.put(wallet.address, other.address, 1, b"y")
        assert listed(hub, wallet.address, sender=key.address.hex()) == [f"{key.address.hex()}/{1:016d}"]
        box = f"{M}mailbox/{wallet.address.hex()}"
        assert code(hub.api.get(box)) == refusal(PseudonymForeign)
        assert code(hub.api.get(box, {"sender": other.address.hex()})) == refusal(PseudonymForeign)
        theirs, own = (mail_url(wallet.address, each.address, 1) for each in (other, key))
        assert code(hub.api.delete(theirs)) == refusal(PseudonymForeign)
        assert code(hub.api.get(own)) == refusal(PseudonymForeign)
        assert hub.api.delete(own).status_code == 204
        assert listed(acme, wallet.address) == [f"{other.address.hex()}/{1:016d}"]

    def test_a_reader_may_say_how_much_it_takes(self, pair: Pair) -> None:
        acme, wallet, hub, key = pair
        hub.put(wallet.address, key.address, 1, b"x" * 100)
        url = mail_url(wallet.address, key.address, 1)
        assert acme.api.get(url, {"max_bytes": 100}).status_code == 200
        assert code(acme.api.get(url, {"max_bytes": 99})) == refusal(MailObjectTooLarge)


class TestRefused:
    def test_another_senders_pseudonym(self, pair: Pair) -> None:
        _, wallet, hub, key = pair
        for stranger in (hub_new(), organisation_new()):
            assert code(stranger.put(wallet.address, key.address, 1, b"x")) == refusal(PseudonymForeign)
        assert code(hub.put(wallet.address, wallet.address, 1, b"x")) == refusal(PseudonymForeign)
        assert not MailObject.objects.exists()

    def test_a_foreign_mailbox(self, pair: Pair) -> None:
        _, wallet, hub, key = pair
        hub.put(wallet.address, key.address, 1, b"x")
        url = mail_url(wallet.address, key.address, 1)
        for stranger in (hub_new(), organisation_new()):
            assert code(stranger.api.get(url)) == refusal(PseudonymForeign)
            assert code(stranger.api.delete(url)) == refusal(PseudonymForeign)
            assert code(stranger.api.get(f"{M}mailbox/{wallet.address.hex()}")) == refusal(PseudonymForeign)
        assert MailObject.objects.get().state == MailObject.State.STORED

    def test_mail_between_those_who_are_not_in_a_notice_together(self, pair: Pair) -> None:
        acme, wallet, hub, key = pair
        other_org, neighbour = organisation_new(), hub_new()
        other_wallet, other_key = acquainted(other_org, neighbour)
        silent = neighbour.pseudonym()
        cases: list[tuple[Party, Signer, Signer]] = [
            (neighbour, other_key, key),  # hub to hub
            (neighbour, other_key, wallet),  # a hub to an organisation that it did not answer
            (neighbour, silent, wallet),
            (acme, wallet, other_key),  # an organisation to a hub that did not answer it
            (acme, wallet, silent),
            (acme, wallet, other_wallet),  # organisation to organisation
            (hub, key, key),
        ]
        for party, sender, to in cases:
            assert code(party.put(to.address, sender.address, 1, b"x")) == refusal(MailNotAcquainted)

    def test_mail_to_nobody(self, pair: Pair) -> None:
        acme, wallet, *_ = pair
        assert code(acme.put(bytes(20), wallet.address, 1, b"x")) == refusal(PseudonymUnknown)

    def test_mail_after_the_answer_was_withdrawn_but_what_lies_there_is_read(self, pair: Pair) -> None:
        acme, wallet, hub, key = pair
        acme.put(key.address, wallet.address, 1, b"x")
        (notice,) = acme.board.notices()
        hub.board.withdraw(notice.plan_hash)
        assert code(acme.put(key.address, wallet.address, 2, b"x")) == refusal(MailNotAcquainted)
        assert hub.api.get(mail_url(key.address, wallet.address, 1)).content == b"x"

    def test_a_closed_notice_and_a_suspended_organisation_still_finish_their_training(self, pair: Pair) -> None:
        acme, wallet, hub, key = pair
        (notice,) = acme.board.notices()
        acme.board.notice_close(notice.plan_hash)
        Organisation.objects.update(status=Organisation.Status.SUSPENDED)
        assert acme.put(key.address, wallet.address, 1, b"x").status_code == 201
        assert hub.put(wallet.address, key.address, 1, b"x").status_code == 201

    @pytest.mark.parametrize(
        ("place", "text"),
        [(2, "1"), (2, "0" * 15), (2, "0" * 17), (2, "letter"), (2, ".."), (2, "Request"), (2, "٠" * 16),
         (1, "00"), (1, ".."), (1, "G" * 40), (1, "A" * 40), (0, ".."), (0, "0x" + "0" * 38), (0, "0" * 41)],
    )  # fmt: skip
    def test_names_that_could_lead_elsewhere(self, pair: Pair, place: int, text: str, tmp_path: Path) -> None:
        acme, wallet, hub, key = pair
        parts = [wallet.address.hex(), key.address.hex(), f"{1:016d}"]
        parts[place] = text
        url = f"{M}mailbox/{'/'.join(parts)}"
        options = {"content_type": "application/octet-stream", "headers": {"X-Object-Sha256": sha256(b"x").hex()}}
        assert code(hub.api.put(url, b"x", **options)) == refusal(MailKeyInvalid)
        assert code(acme.api.get(url)) == refusal(MailKeyInvalid)
        assert code(acme.api.delete(url)) == refusal(MailKeyInvalid)
        assert files(tmp_path) == []

    @pytest.mark.parametrize("tail", ["%2e%2e%2f1", "..%2f..%2fhubs", "%00", "1/2"])
    def test_encoded_paths(self, pair: Pair, tail: str) -> None:
        _, wallet, hub, key = pair
        answer = hub.api.get(f"{M}mailbox/{wallet.address.hex()}/{key.address.hex()}/{tail}")
        assert answer.status_code in (400, 404)

    @pytest.mark.parametrize(
        "query",
        [{"kind": "letters"}, {"sender": "x"}, {"after": "x"}, {"after": "../1"}, {"limit": "many"}, {"limit": "-1"}],
    )
    def test_a_list_asked_for_wrongly(self, pair: Pair, query: dict[str, str]) -> None:
        acme, wallet, *_ = pair
        assert acme.api.get(f"{M}mailbox/{wallet.address.hex()}", query).status_code == 400

    def test_bytes_that_are_not_those_announced(self, pair: Pair) -> None:
        _, wallet, hub, key = pair
        cut = hub.put(wallet.address, key.address, 1, b"half", **{"X-Object-Sha256": sha256(b"half of it").hex()})
        assert code(cut) == refusal(MailHashWrong)
        assert code(hub.put(wallet.address, key.address, 1, b"x", **{"X-Object-Sha256": ""})) == refusal(MailHashWrong)
        assert not MailObject.objects.exists()

    def test_another_media_type(self, pair: Pair) -> None:
        _, wallet, hub, key = pair
        answer = hub.api.put(mail_url(wallet.address, key.address, 1), {"a": 1}, format="json")
        assert answer.status_code == 415


class TestLimits:
    def test_an_object_may_be_what_the_runtime_makes_at_most(self) -> None:
        assert mail.MAIL_MAX_BYTES == MAX_OBJECT

    def test_an_object_over_the_limit_is_refused_unread(self, pair: Pair, settings: Any) -> None:
        _, wallet, hub, key = pair
        settings.HEARTH_MAIL_MAX_BYTES = 5
        assert hub.put(wallet.address, key.address, 1, b"12345").status_code == 201
        assert code(hub.put(wallet.address, key.address, 2, b"123456")) == (413, MailObjectTooLarge.code)

    @pytest.mark.parametrize("limit", [{"share_objects": 2}, {"share_bytes": 8}])
    def test_one_sender_fills_its_share_and_not_that_of_others(
        self, pair: Pair, limit: dict[str, int], settings: Any
    ) -> None:
        acme, wallet, hub, key = pair
        _, other = acquainted(acme, second := hub_new())
        settings.HEARTH_MAIL_LIMITS = limit
        for number in (1, 2):
            assert hub.put(wallet.address, key.address, number, b"1234").status_code == 201
        assert code(hub.put(wallet.address, key.address, 3, b"1234")) == (409, MailShareFull.code)
        assert hub.put(wallet.address, key.address, 2, b"abcd").status_code == 201, "in the place of another"
        assert second.put(wallet.address, other.address, 1, b"1234").status_code == 201
        acme.api.delete(mail_url(wallet.address, key.address, 1))
        assert hub.put(wallet.address, key.address, 3, b"1234").status_code == 201

    @pytest.mark.parametrize("limit", [{"box_objects": 2}, {"box_bytes": 8}])
    def test_all_together_fill_the_mailbox(self, pair: Pair, limit: dict[str, int], settings: Any) -> None:
        acme, wallet, hub, key = pair
        _, other = acquainted(acme, second := hub_new())
        settings.HEARTH_MAIL_LIMITS = limit
        hub.put(wallet.address, key.address, 1, b"1234")
        second.put(wallet.address, other.address, 1, b"1234")
        assert code(hub.put(wallet.address, key.address, 2, b"1234")) == (507, MailStoreFull.code)
        assert acme.put(key.address, wallet.address, 1, b"1234").status_code == 201, "another mailbox"

    def test_one_that_is_full_is_as_it_was(self, pair: Pair, settings: Any, tmp_path: Path) -> None:
        acme, wallet, hub, key = pair
        settings.HEARTH_MAIL_LIMITS = {"share_bytes": 4}
        hub.put(wallet.address, key.address, 1, b"1234")
        assert code(hub.put(wallet.address, key.address, 1, b"12345")) == (409, MailShareFull.code)
        assert acme.api.get(mail_url(wallet.address, key.address, 1)).content == b"1234"
        assert len(files(tmp_path)) == 1

    def test_calls_are_counted(self, pair: Pair, settings: Any) -> None:
        acme, wallet, *_ = pair
        settings.HEARTH_THROTTLES = {"mail": "2/min"}
        answers = [acme.api.get(f"{M}mailbox/{wallet.address.hex()}").status_code for _ in range(3)]
        assert answers == [200, 200, 429]


class TestForgetting:
    def test_what_nobody_fetches_goes_after_a_fortnight(self, pair: Pair, tmp_path: Path) -> None:
        acme, wallet, hub, key = pair
        hub.put(wallet.address, key.address, 1, b"old")
        hub.put(wallet.address, key.address, 2, b"new")
        row = MailObject.objects.get(name=f"{1:016d}")
        assert timedelta(days=13) < row.expires_at - timezone.now() < timedelta(days=15)
        assert mail_sweep() == 0
        MailObject.objects.filter(pk=row.pk).update(expires_at=timezone.now())
        assert code(acme.api.get(mail_url(wallet.address, key.address, 1))) == refusal(MailUnknown), "before any sweep"
        assert listed(acme, wallet.address) == [f"{key.address.hex()}/{2:016d}"]
        assert mail_sweep() == 1
        assert MailObject.objects.count() == len(files(tmp_path)) == 1

    def test_an_expired_object_may_be_put_again(self, pair: Pair) -> None:
        acme, wallet, hub, key = pair
        hub.put(wallet.address, key.address, 1, b"same")
        MailObject.objects.update(expires_at=timezone.now())
        assert hub.put(wallet.address, key.address, 1, b"same").status_code == 201
        assert acme.api.get(mail_url(wallet.address, key.address, 1)).content == b"same"

    def test_a_pseudonym_that_leaves_takes_its_mailbox_along_and_leaves_what_it_sent(
        self, pair: Pair, tmp_path: Path
    ) -> None:
        acme, wallet, hub, key = pair
        acme.put(key.address, wallet.address, 1, b"to the hub")
        hub.put(wallet.address, key.address, 1, b"from the hub")
        hub.board.pseudonym_leave(key.address)
        assert code(acme.put(key.address, wallet.address, 2, b"x")) == refusal(PseudonymUnknown)
        hub.board.pseudonym_register(key.secret)
        assert listed(hub, key.address) == [], "whoever comes back begins with an empty mailbox"
        assert mail_sweep() == 1
        assert acme.api.get(mail_url(wallet.address, key.address, 1)).content == b"from the hub"
        assert len(files(tmp_path)) == 1


class Dying:
    """A store of files that ends the process before or after it saved or deleted something."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, call: str, moment: str, fault: BaseException) -> None:
        store, real = storages["lots"], getattr(storages["lots"], call)

        def dying(*args: Any, **options: Any) -> Any:
            if moment == "before":
                raise fault
            real(*args, **options)
            raise fault

        monkeypatch.setattr(store, call, dying)


@pytest.fixture
def killed_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """From now on the process dies at this call; what it would tidy up on its way out is not done either."""

    def arm(call: str, moment: str) -> None:
        Dying(monkeypatch, call, moment, Killed())
        # kill -9 runs no ``finally``.
        monkeypatch.setattr(mail, "_abandon", lambda row: None)

    return arm


def put_killed(owner: Party, to: Signer, sender: Signer, data: bytes) -> None:
    key = MailKey(to.address.hex(), sender.address.hex(), f"{1:016d}")
    with pytest.raises(Killed):
        mail_put(owner=owner.row.hub, key=key, data=data, digest=sha256(data).hex())  # type: ignore[arg-type]


class TestKilled:
    @pytest.mark.parametrize("moment", ["before", "after"])
    @pytest.mark.parametrize("first", [b"", b"what lay there before"])
    def test_between_row_and_bytes_nothing_can_be_read_and_the_next_try_works(
        self, pair: Pair, moment: str, first: bytes, killed_at: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        acme, wallet, hub, key = pair
        if first:
            hub.put(wallet.address, key.address, 1, first)
        killed_at("save", moment)
        put_killed(hub, wallet, key, b"sealed")
        monkeypatch.undo()
        url = mail_url(wallet.address, key.address, 1)
        got = acme.api.get(url)
        assert got.content == first if first else code(got) == refusal(MailUnknown)
        assert len(listed(acme, wallet.address)) == bool(first)
        assert hub.put(wallet.address, key.address, 1, b"sealed").status_code == 201
        assert acme.api.get(url).content == b"sealed"
        assert mail_sweep() == 0, "somebody may still be writing"
        MailObject.objects.filter(state=MailObject.State.ARRIVING).update(expires_at=timezone.now())
        assert mail_sweep() == 1
        assert MailObject.objects.count() == len(files(tmp_path)) == 1
        assert acme.api.get(url).content == b"sealed"

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_while_deleting_it_is_gone_for_readers_and_the_sweep_ends_it(
        self, pair: Pair, moment: str, killed_at: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        acme, wallet, hub, key = pair
        hub.put(wallet.address, key.address, 1, b"sealed")
        killed_at("delete", moment)
        with pytest.raises(Killed):
            mail.mail_delete(
                owner=acme.row.organisation,  # type: ignore[arg-type]
                key=MailKey(wallet.address.hex(), key.address.hex(), f"{1:016d}"),
            )
        monkeypatch.undo()
        assert code(acme.api.get(mail_url(wallet.address, key.address, 1))) == refusal(MailUnknown)
        assert mail_sweep() == 1
        assert not MailObject.objects.exists() and files(tmp_path) == []

    def test_a_try_that_was_swept_before_it_ended_does_not_become_the_object(
        self, pair: Pair, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        acme, wallet, hub, key = pair
        store, save = storages["lots"], storages["lots"].save

        def slow(name: str, content: Any) -> str:
            saved = save(name, content)
            MailObject.objects.update(expires_at=timezone.now())
            mail_sweep()
            return str(saved)

        monkeypatch.setattr(store, "save", slow)
        assert code(hub.put(wallet.address, key.address, 1, b"x")) == refusal(MailStoreAway)
        assert listed(acme, wallet.address) == [] and files(tmp_path) == []


class TestStoreFaults:
    def test_a_store_that_is_full_is_told_and_leaves_nothing(
        self, pair: Pair, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        acme, wallet, hub, key = pair
        Dying(monkeypatch, "save", "before", OSError(28, "No space left on device"))
        assert code(hub.put(wallet.address, key.address, 1, b"x")) == refusal(MailStoreAway)
        monkeypatch.undo()
        assert listed(acme, wallet.address) == []
        assert mail_sweep() == 1, "at once, since nobody is writing any more"
        assert hub.put(wallet.address, key.address, 1, b"x").status_code == 201

    def test_bytes_that_are_not_there_are_not_taken_for_no_object(self, pair: Pair, tmp_path: Path) -> None:
        acme, wallet, hub, key = pair
        hub.put(wallet.address, key.address, 1, b"sealed")
        (path,) = files(tmp_path)
        path.rename(tmp_path / "aside")
        assert code(acme.api.get(mail_url(wallet.address, key.address, 1))) == refusal(MailStoreAway)
        (tmp_path / "aside").rename(path)
        assert acme.api.get(mail_url(wallet.address, key.address, 1)).content == b"sealed"

    def test_bytes_that_changed_are_told(self, pair: Pair, tmp_path: Path) -> None:
        acme, wallet, hub, key = pair
        hub.put(wallet.address, key.address, 1, b"sealed")
        files(tmp_path)[0].write_bytes(b"seal")
        url = mail_url(wallet.address, key.address, 1)
        assert code(acme.api.get(url)) == refusal(MailDamaged)
        assert acme.api.delete(url).status_code == 204


def test_a_notice_alone_opens_no_mailbox(db: None) -> None:
    acme, hub = organisation_new(), hub_new()
    notice = notice_new(acme)
    key = hub.pseudonym()
    assert code(hub.put(notice.enterprise, key.address, 1, b"x")) == refusal(MailNotAcquainted)


def test_of_two_tries_at_once_one_is_read_whole_and_the_other_leaves_nothing(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    acme, hub = organisation_new(), hub_new()
    wallet, key = acquainted(acme, hub)
    place = MailKey(wallet.address.hex(), key.address.hex(), f"{1:016d}")
    both, save = threading.Barrier(2, timeout=10), storages["lots"].save

    def together(name: str, content: Any) -> str:
        both.wait()
        return str(save(name, content))

    monkeypatch.setattr(storages["lots"], "save", together)
    owner, tries, failed = hub.row.hub, [b"first" * 100, b"second" * 100], []

    def put(data: bytes) -> None:
        try:
            assert owner is not None
            mail_put(owner=owner, key=place, data=data, digest=sha256(data).hex())
        except Exception as fault:  # noqa: BLE001  whatever it is, the test tells
            failed.append(fault)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=put, args=(data,)) for data in tries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    assert acme.api.get(mail_url(wallet.address, key.address, 1)).content in tries
    mail_sweep()
    assert MailObject.objects.count() == len(files(tmp_path)) == 1
