"""Rows with a state and a lease: nobody works on what another holds, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connections, models
from django.utils import timezone

from marketplace.common import work
from marketplace.common.errors import Unavailable


class Parcel(work.LeasedRow):
    """A row that is packed and sent."""

    hearth_db = "home"
    state = models.CharField(max_length=10, default="packed")

    class Meta:
        app_label = "common"


pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _table() -> Iterator[None]:
    with connections["home"].schema_editor() as editor:
        editor.create_model(Parcel)
    yield
    with connections["home"].schema_editor() as editor:
        editor.delete_model(Parcel)


@pytest.fixture
def parcel() -> Parcel:
    return Parcel.objects.create()


def packed() -> models.QuerySet[Parcel]:
    return Parcel.objects.filter(state="packed")


def take(lease_s: float = 60.0) -> Parcel:
    row = work.claim_one(packed(), using="home", lease_s=lease_s)
    assert row is not None
    return row


def test_a_claimed_row_is_not_given_to_a_second_worker(parcel: Parcel):
    assert work.claim_one(packed(), using="home") == parcel
    assert work.claim_one(packed(), using="home") is None


def test_a_row_whose_state_moved_on_between_look_and_claim_is_not_taken(
    parcel: Parcel, monkeypatch: pytest.MonkeyPatch
):
    new_token = work.uuid.uuid4

    def meanwhile_sent() -> object:
        Parcel.objects.update(state="sent")
        return new_token()

    monkeypatch.setattr(work.uuid, "uuid4", meanwhile_sent)
    assert work.claim_one(packed(), using="home") is None
    parcel.refresh_from_db()
    assert parcel.lease_token is None


def test_a_dead_workers_row_is_taken_over_and_the_dead_one_can_write_no_more(parcel: Parcel):
    dead = take(lease_s=-1)
    living = take()
    with pytest.raises(work.LeaseLost):
        work.advance(dead, using="home", state="lost")
    work.advance(living, using="home", state="sent")
    parcel.refresh_from_db()
    assert parcel.state == "sent"


def test_advance_ends_the_lease_and_forgets_failures(parcel: Parcel):
    work.fail(take(), Unavailable("away"), using="home")
    Parcel.objects.update(next_try_at=timezone.now())
    row = take()
    work.advance(row, using="home", state="sent")
    parcel.refresh_from_db()
    assert (row.state, parcel.state, parcel.tries, parcel.last_error_code) == ("sent", "sent", 0, "")
    assert parcel.lease_token is None


def test_a_row_that_has_no_lease_can_not_be_advanced(parcel: Parcel):
    with pytest.raises(work.LeaseLost):
        work.advance(parcel, using="home", state="sent")


def test_a_failed_row_rests_twice_as_long_each_time(parcel: Parcel):
    rests = []
    for _ in range(4):
        Parcel.objects.update(next_try_at=timezone.now())
        before = timezone.now()
        row = take()
        work.fail(row, Unavailable("away"), using="home")
        rests.append(round((row.next_try_at - before).total_seconds()))
        assert work.claim_one(packed(), using="home") is None
    assert rests == [1, 2, 4, 8]
    assert work.backoff_s(50) == work.BACKOFF_MAX_S


def test_a_fault_leaves_its_class_on_the_row_and_never_its_text(parcel: Parcel):
    with pytest.raises(ValueError, match="word"), work.leased(take(), using="home"):
        raise ValueError("word secret of the wallet")
    parcel.refresh_from_db()
    assert (parcel.last_error_code, parcel.last_error) == ("fault", "ValueError")


def test_a_refusal_leaves_its_code_and_text_and_does_not_stop_the_others(parcel: Parcel):
    with work.leased(take(), using="home"):
        raise Unavailable("The market does not answer.")
    parcel.refresh_from_db()
    assert (parcel.last_error_code, parcel.last_error) == ("unavailable", "The market does not answer.")


def test_renewing_holds_the_row_longer(parcel: Parcel):
    row = take(lease_s=1)
    work.renew(row, using="home", lease_s=600)
    parcel.refresh_from_db()
    assert parcel.lease_until is not None
    assert parcel.lease_until > timezone.now() + timedelta(seconds=500)


def test_the_longest_waiting_rows_come_first_and_no_more_than_asked_for():
    now = timezone.now()
    late, early, middle = (Parcel.objects.create(next_try_at=now - timedelta(seconds=age)).pk for age in (1, 30, 10))
    assert [row.pk for row in work.claim(packed(), using="home", limit=2)] == [early, middle]
    assert [row.pk for row in work.claim(packed(), using="home", limit=2)] == [late]


def test_a_row_that_waits_is_not_counted_as_failed(parcel: Parcel):
    work.wait(take(), using="home", seconds=60)
    parcel.refresh_from_db()
    assert parcel.tries == 0
    assert work.claim_one(packed(), using="home") is None
