"""Pseudonyms, notices and answers: who may, how often, and what the board refuses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from chain.client.http import MarketAway
from chain.crypto.hashing import sha256, tagged
from enterprises.board.errors import (
    AnswerTaken,
    NoticeClosed,
    NoticeForeign,
    NoticeNotAccredited,
    NoticesTooMany,
    NoticeTaken,
    NoticeUnknown,
    PlanUnreadable,
    PseudonymForeign,
    PseudonymsTooMany,
    PseudonymTaken,
    PseudonymUsed,
)
from enterprises.board.models import NoticeAnswer, Pseudonym, TrainingNotice
from enterprises.board.sweeping import board_sweep
from enterprises.errors import ChallengeInvalid
from enterprises.partners.models import HubAccount, Organisation
from fedlearn.learners.plan import plan_decode, plan_hash
from fedlearn.transport.errors import BoardAnswerWrong
from marketplace.common.errors import HearthError, InputError, NotAllowed
from tests.enterprises.board import (
    BUNDLE,
    CLASSES,
    M,
    Party,
    acquainted,
    hub_new,
    notice_new,
    organisation_new,
    plan_new,
)
from tests.enterprises.ledger import signer_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def hub(db: None) -> Party:
    return hub_new()


@pytest.fixture
def acme(db: None) -> Party:
    return organisation_new()


class TestPseudonyms:
    def test_a_pseudonym_belongs_to_the_account_whose_token_its_key_signed(self, hub: Party) -> None:
        key = hub.pseudonym()
        row = Pseudonym.objects.get(address=key.address.hex())
        assert (row.hub, row.organisation, row.public_key) == (hub.row.hub, None, key.public_key.hex())

    def test_registering_again_changes_nothing_and_nobody_else_gets_it(self, hub: Party) -> None:
        key = hub.pseudonym()
        assert hub.board.pseudonym_register(key.secret) == key.address
        assert Pseudonym.objects.count() == 1
        with pytest.raises(PseudonymTaken):
            hub_new().board.pseudonym_register(key.secret)

    @pytest.mark.parametrize("fault", ["replay", "signature", "key", "other_token", "registration"])
    def test_a_proof_that_is_wrong_or_not_the_callers_registers_nothing(self, hub: Party, fault: str) -> None:
        key, other, thief = signer_of("p-one"), signer_of("p-two"), hub_new()
        asked = hub.api.post(f"{M}challenges", {"public_key": key.public_key.hex()}, format="json").json()
        challenge = asked["challenge"]
        claimed = other if fault == "key" else key
        signer = other if fault == "signature" else key
        digest = tagged("hearth/pseudonym", challenge.encode(), claimed.public_key, sha256(hub.token.encode()))
        if fault == "registration":  # what a key signs to become a hub's account
            digest = tagged("hearth/register", challenge.encode(), key.public_key)
        proof = {
            "public_key": claimed.public_key.hex(),
            "challenge": challenge,
            "signature": signer.sign_digest(digest).hex(),
        }
        before = 0
        if fault == "replay":
            assert hub.api.post(f"{M}training/pseudonyms", proof, format="json").status_code == 201
            hub.board.pseudonym_leave(key.address)
        caller = thief if fault == "other_token" else hub
        answer = caller.api.post(f"{M}training/pseudonyms", proof, format="json")
        assert (answer.status_code, answer.json()["code"]) == (403, ChallengeInvalid.code)
        assert Pseudonym.objects.count() == before

    def test_a_proof_of_a_pseudonym_registers_no_hub(self, hub: Party) -> None:
        key, before = signer_of("p-three"), HubAccount.objects.count()
        asked = hub.api.post(f"{M}challenges", {"public_key": key.public_key.hex()}, format="json").json()
        digest = tagged("hearth/pseudonym", asked["challenge"].encode(), key.public_key, sha256(hub.token.encode()))
        proof = {"public_key": key.public_key.hex(), **asked, "signature": key.sign_digest(digest).hex()}
        assert hub.api.post(f"{M}hubs", proof, format="json").json()["code"] == ChallengeInvalid.code
        assert HubAccount.objects.count() == before

    def test_an_account_has_so_many_and_no_more(self, hub: Party, settings: Any) -> None:
        settings.HEARTH_PSEUDONYMS_MAX = 2
        first, _ = hub.pseudonym(), hub.pseudonym()
        with pytest.raises(PseudonymsTooMany):
            hub.pseudonym()
        assert hub.board.pseudonym_register(first.secret) == first.address, "it is there already"
        hub.board.pseudonym_leave(first.address)
        hub.pseudonym()

    def test_only_the_owner_removes_it_and_twice_is_no_error(self, hub: Party, acme: Party) -> None:
        key = hub.pseudonym()
        for other in (hub_new(), acme):
            with pytest.raises(PseudonymForeign):
                other.board.pseudonym_leave(key.address)
        hub.board.pseudonym_leave(key.address)
        hub.board.pseudonym_leave(key.address)
        assert not Pseudonym.objects.exists()

    def test_leaving_takes_the_answer_along(self, hub: Party, acme: Party) -> None:
        _, key = acquainted(acme, hub)
        hub.board.pseudonym_leave(key.address)
        assert not NoticeAnswer.objects.exists()

    def test_an_organisation_that_leaves_closes_its_notices(self, acme: Party) -> None:
        notice = notice_new(acme)
        acme.board.pseudonym_leave(notice.enterprise)
        assert not acme.board.notice(notice.plan_hash).open

    def test_hubs_not_heard_of_for_a_season_are_forgotten_and_organisations_are_not(
        self, hub: Party, acme: Party
    ) -> None:
        old, kept = hub.pseudonym(), hub.pseudonym()
        notice = notice_new(acme)
        Pseudonym.objects.exclude(address=kept.address.hex()).update(seen_on=timezone.now().date() - timedelta(days=91))
        board_sweep()
        left = set(Pseudonym.objects.values_list("address", flat=True))
        assert left == {kept.address.hex(), notice.enterprise.hex()}
        assert old.address.hex() not in left

    def test_using_a_pseudonym_keeps_it(self, hub: Party, acme: Party) -> None:
        _, key = acquainted(acme, hub)
        Pseudonym.objects.update(seen_on=timezone.now().date() - timedelta(days=91))
        assert hub.api.get(f"{M}mailbox/{key.address.hex()}").status_code == 200
        board_sweep()
        assert Pseudonym.objects.filter(address=key.address.hex()).exists()


class TestNotices:
    def test_what_was_posted_is_read_by_hubs_and_organisations(self, acme: Party, hub: Party) -> None:
        plan = plan_new()
        posted = notice_new(acme, plan)
        assert posted.plan_hash == plan_hash(plan_decode(plan))
        for reader in (hub, organisation_new(accredited=False)):
            (listed,) = reader.board.notices()
            whole = reader.board.notice(listed.plan_hash)
            assert (listed.plan, whole.plan) == (b"", plan)
            assert (whole.enterprise, whole.enterprise_name) == (acme.wallet.address, "Acme Analytics")  # type: ignore[union-attr]
            assert (whole.template, whole.purpose, whole.device_classes) == ("next_hour_load", "Forecast load", CLASSES)
            assert whole.open and whole == posted

    def test_posting_again_is_one_notice_and_other_words_are_refused(self, acme: Party) -> None:
        plan, until = plan_new(), timezone.now() + timedelta(days=1)
        first = notice_new(acme, plan, closes_at=until)
        assert notice_new(acme, plan, closes_at=until) == first
        with pytest.raises(NoticeTaken):
            notice_new(acme, plan, closes_at=until, purpose="Something else")
        with pytest.raises(NoticeTaken):
            notice_new(organisation_new(), plan, closes_at=until)
        assert TrainingNotice.objects.count() == 1

    def test_an_answer_that_was_lost_makes_no_second_notice(self, acme: Party) -> None:
        acme.transport.lost = 2
        notice_new(acme)
        assert TrainingNotice.objects.count() == 1
        assert [call for call in acme.transport.calls if call.startswith("POST")] == [f"POST {M}training/notices"] * 3

    @pytest.mark.parametrize("status", [Organisation.Status.PENDING, Organisation.Status.SUSPENDED, "over"])
    def test_only_accredited_organisations_post(self, acme: Party, status: str) -> None:
        changes = {"accredited_until": timezone.now()} if status == "over" else {"status": status}
        Organisation.objects.update(**changes)
        with pytest.raises(NoticeNotAccredited):
            notice_new(acme)

    def test_hubs_do_not_post(self, hub: Party) -> None:
        with pytest.raises(NotAllowed):
            notice_new(hub)

    @pytest.mark.parametrize("fault", ["empty", "noise", "trailing", "other_record", "too_long"])
    def test_bytes_that_are_no_plan_are_refused(self, acme: Party, fault: str) -> None:
        from chain.core.codec import encode

        plan = plan_new()
        data = {
            "empty": b"",
            "noise": b"\xc1 nonsense",
            "trailing": plan + b"\x00",
            "other_record": encode(plan_decode(plan).strategy),
            "too_long": b"\x00" * 20_000,
        }[fault]
        answer = acme.api.post(f"{M}training/notices", posted(data), format="json")
        assert answer.status_code == 400
        assert answer.json()["code"] in ("input_invalid", PlanUnreadable.code)
        assert not TrainingNotice.objects.exists()

    @pytest.mark.parametrize(
        "changes",
        [
            {"purpose": " "},
            {"purpose": "x" * 501},
            {"device_classes": []},
            {"device_classes": ["climate", "climate"]},
            {"device_classes": ["<b>"]},
            {"device_classes": [f"c{n}" for n in range(17)]},
            {"closes_at": "2001-01-01T00:00:00Z"},
            {"closes_at": "2126-01-01T00:00:00Z"},
            {"closes_at": "soon"},
            {"plan": "zz"},
        ],
    )
    def test_words_outside_their_limits_are_refused(self, acme: Party, changes: dict[str, Any]) -> None:
        answer = acme.api.post(f"{M}training/notices", posted(plan_new()) | changes, format="json")
        assert (answer.status_code, answer.json()["code"]) == (400, "input_invalid")

    def test_an_organisation_has_so_many_open_at_once(self, acme: Party, settings: Any) -> None:
        settings.HEARTH_NOTICES_MAX = 2
        first, _ = notice_new(acme), notice_new(acme)
        with pytest.raises(NoticesTooMany):
            notice_new(acme)
        acme.board.notice_close(first.plan_hash)
        notice_new(acme)

    def test_lists_by_template_by_number_and_in_pages(self, acme: Party, hub: Party) -> None:
        posted = [notice_new(acme) for _ in range(3)]
        page = hub.api.get(f"{M}training/notices", {"limit": 2}).json()
        assert [row["number"] for row in page["results"]] == [notice.number for notice in posted[:2]]
        assert page["next"] == posted[1].number
        rest = hub.api.get(f"{M}training/notices", {"limit": 2, "after": page["next"]}).json()
        assert ([row["number"] for row in rest["results"]], rest["next"]) == ([posted[2].number], None)
        assert hub.board.notices(template="occupancy") == []
        assert len(hub.board.notices(template="next_hour_load", after=posted[0].number)) == 2
        assert hub.api.get(f"{M}training/notices", {"after": "-1"}).json()["code"] == "input_invalid"

    def test_closed_by_its_owner_or_by_the_clock(self, acme: Party, hub: Party) -> None:
        by_owner, by_clock, open_still = notice_new(acme), notice_new(acme), notice_new(acme)
        with pytest.raises(NoticeForeign):
            organisation_new().board.notice_close(by_owner.plan_hash)
        assert not acme.board.notice_close(by_owner.plan_hash).open
        assert not acme.board.notice_close(by_owner.plan_hash).open
        TrainingNotice.objects.filter(pk=by_clock.number).update(closes_at=timezone.now())
        assert [notice.number for notice in hub.board.notices()] == [open_still.number], "before any sweep"
        assert len(hub.board.notices(only_open=False)) == 3
        board_sweep()
        assert TrainingNotice.objects.get(pk=by_clock.number).state == TrainingNotice.State.CLOSED

    @pytest.mark.parametrize("name", ["00" * 32, "00", "..", "Z" * 64])
    def test_there_is_nothing_under_another_name(self, hub: Party, name: str) -> None:
        answer = hub.api.get(f"{M}training/notices/{name}")
        assert (answer.status_code, answer.json()["code"]) == (404, NoticeUnknown.code)

    def test_a_plan_that_is_not_what_was_asked_for_is_not_believed(self, acme: Party, hub: Party) -> None:
        notice = notice_new(acme)
        TrainingNotice.objects.update(plan=plan_new())
        with pytest.raises(BoardAnswerWrong):
            hub.board.notice(notice.plan_hash)


class TestAnswers:
    def test_the_organisation_sees_pseudonyms_and_not_hubs(self, acme: Party, hub: Party) -> None:
        notice, key = notice_new(acme), hub.pseudonym()
        hub.board.answer(notice.plan_hash, key.address, BUNDLE)
        (answer,) = acme.board.answers(notice.plan_hash)
        assert (answer.address, answer.public_key, answer.bundle) == (key.address, key.public_key, BUNDLE)
        assert acme.board.answers(notice.plan_hash, after=answer.number) == []
        told = acme.api.get(f"{M}training/notices/{notice.plan_hash.hex()}/answers").content.decode()
        assert str(hub.row.hub.public_id) not in told and hub.row.hub.public_key not in told  # type: ignore[union-attr]
        assert set(acme.api.get(f"{M}training/notices/{notice.plan_hash.hex()}/answers").json()["results"][0]) == {
            "number", "address", "public_key", "bundle", "created_at",
        }  # fmt: skip

    def test_nobody_else_sees_them(self, acme: Party, hub: Party) -> None:
        notice = notice_new(acme)
        with pytest.raises(NoticeForeign):
            organisation_new().board.answers(notice.plan_hash)
        with pytest.raises(NotAllowed):
            hub.board.answers(notice.plan_hash)

    def test_a_hub_answers_once_and_repeating_is_no_error(self, acme: Party, hub: Party) -> None:
        notice, key = notice_new(acme), hub.pseudonym()
        hub.transport.lost = 1
        hub.board.answer(notice.plan_hash, key.address, BUNDLE)
        hub.board.answer(notice.plan_hash, key.address, BUNDLE)
        with pytest.raises(AnswerTaken):
            hub.board.answer(notice.plan_hash, key.address, b"other keys")
        with pytest.raises(AnswerTaken):
            hub.board.answer(notice.plan_hash, hub.pseudonym().address, BUNDLE)
        assert NoticeAnswer.objects.count() == 1

    def test_only_under_its_own_pseudonym(self, acme: Party, hub: Party) -> None:
        notice, other = notice_new(acme), hub_new().pseudonym()
        with pytest.raises(PseudonymForeign):
            hub.board.answer(notice.plan_hash, other.address, BUNDLE)
        with pytest.raises(PseudonymForeign):
            hub.board.answer(notice.plan_hash, acme.wallet.address, BUNDLE)  # type: ignore[union-attr]

    def test_organisations_do_not_answer(self, acme: Party) -> None:
        notice = notice_new(acme)
        with pytest.raises(NotAllowed):
            acme.board.answer(notice.plan_hash, acme.pseudonym().address, BUNDLE)

    def test_a_pseudonym_answers_one_notice_only(self, acme: Party, hub: Party) -> None:
        first, second, key = notice_new(acme), notice_new(acme), hub.pseudonym()
        hub.board.answer(first.plan_hash, key.address, BUNDLE)
        with pytest.raises(PseudonymUsed):
            hub.board.answer(second.plan_hash, key.address, BUNDLE)

    def test_a_closed_notice_takes_none_and_knows_those_it_has(self, acme: Party, hub: Party) -> None:
        notice, key, late = notice_new(acme), hub.pseudonym(), hub_new()
        hub.board.answer(notice.plan_hash, key.address, BUNDLE)
        acme.board.notice_close(notice.plan_hash)
        hub.board.answer(notice.plan_hash, key.address, BUNDLE)
        with pytest.raises(NoticeClosed):
            late.board.answer(notice.plan_hash, late.pseudonym().address, BUNDLE)
        assert len(acme.board.answers(notice.plan_hash)) == 1

    def test_an_answer_is_withdrawn_by_its_hub_alone(self, acme: Party, hub: Party) -> None:
        notice, key = notice_new(acme), hub.pseudonym()
        hub.board.answer(notice.plan_hash, key.address, BUNDLE)
        hub_new().board.withdraw(notice.plan_hash)
        assert len(acme.board.answers(notice.plan_hash)) == 1
        hub.board.withdraw(notice.plan_hash)
        hub.board.withdraw(notice.plan_hash)
        assert acme.board.answers(notice.plan_hash) == []
        hub.board.answer(notice.plan_hash, key.address, b"new keys")

    @pytest.mark.parametrize("bundle", [b"", b"x" * (16 * 1024 + 1)])
    def test_a_bundle_has_its_limits(self, acme: Party, hub: Party, bundle: bytes) -> None:
        notice, key = notice_new(acme), hub.pseudonym()
        with pytest.raises(InputError):
            hub.board.answer(notice.plan_hash, key.address, bundle)

    def test_more_answers_than_a_page_come_in_pages(self, acme: Party, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("fedlearn.transport.board.PAGE", 2)
        notice, keys = notice_new(acme), []
        for _ in range(5):
            hub = hub_new()
            keys.append(hub.pseudonym().address)
            hub.board.answer(notice.plan_hash, keys[-1], BUNDLE)
        assert [answer.address for answer in acme.board.answers(notice.plan_hash)] == keys


class TestClient:
    def test_a_market_that_is_away_is_told_as_that(self, hub: Party) -> None:
        hub.transport.lost = 100
        with pytest.raises(MarketAway):
            hub.board.notices()

    @pytest.mark.parametrize("told", [[], {"results": 1, "next": None}, {"results": [{}], "next": None}])
    def test_an_answer_that_is_none_is_not_believed(
        self, hub: Party, told: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(hub.board._api, "json", lambda *a, **k: told)
        with pytest.raises(BoardAnswerWrong):
            hub.board.notices()

    def test_pages_that_do_not_get_on_end(self, hub: Party, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(hub.board._api, "json", lambda *a, **k: {"results": [], "next": 0})
        with pytest.raises(HearthError) as refused:
            hub.board.notices()
        assert refused.value.code == BoardAnswerWrong.code


def posted(plan: bytes) -> dict[str, Any]:
    until = (timezone.now() + timedelta(days=1)).isoformat()
    return {"plan": plan.hex(), "purpose": "Forecast load", "device_classes": list(CLASSES), "closes_at": until}
