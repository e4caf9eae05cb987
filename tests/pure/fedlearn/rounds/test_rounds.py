"""A masked sum led by a coordinator: complete, with hubs that fall silent, with deaths between any two steps."""

from __future__ import annotations

import pytest

from fedlearn.protocol.errors import SenderUnknown, StageWrong
from fedlearn.protocol.plan import HONEST, MALICIOUS
from fedlearn.runtime.rounds import OPENED, Answer, round_decline, round_progress, round_take
from fedlearn.runtime.rounds.stages import INBOX, ROSTER, SHARES, LedgerBehind
from tests.pure.fedlearn.rounds.world import STAGE_MS, World


@pytest.mark.parametrize("mode", [HONEST, MALICIOUS])
@pytest.mark.parametrize("members", [3, 7])
def test_a_round_opens_exactly_the_sum_of_all(members: int, mode: str) -> None:
    world = World(members, mode=mode)
    world.join(*range(members))
    record = world.run()
    assert record.outcome == OPENED
    assert (record.words == world.plain_sum(range(members))).all()
    assert record.survivors == list(range(members))


@pytest.mark.parametrize("stage", [ROSTER, INBOX])
def test_hubs_that_fall_silent_at_a_stage_are_left_out_of_the_sum(stage: str) -> None:
    world = World(10)
    world.join(*range(10))
    record = world.run(silent=lambda index, at: index in (2, 7) and at == stage)
    alive = [index for index in range(10) if index not in (2, 7)]
    assert record.outcome == OPENED
    assert (record.words == world.plain_sum(alive)).all()
    assert record.survivors == alive


def test_a_hub_that_never_joins_is_not_waited_for_past_the_deadline() -> None:
    world = World(5)
    world.join(0, 1, 2, 4)
    assert world.tick() == []
    for message in world.tick(after_ms=STAGE_MS):
        world.take(message.index, world.answer(message))
    record = world.run()
    assert (record.words == world.plain_sum([0, 1, 2, 4])).all()


def test_a_hub_that_declines_is_not_waited_for_at_all() -> None:
    world = World(5)
    world.join(0, 1, 2, 4)
    declined = round_decline(world.record, 3)
    assert round_progress(declined) == (4, 4)
    assert round_progress(world.record) == (4, 5)


def test_too_few_hubs_end_the_round_with_the_reason_and_reveal_nothing() -> None:
    world = World(5, minimum=4)
    world.join(*range(5))
    record = world.run(silent=lambda index, at: index < 2 and at == INBOX)
    assert record.outcome == "round_too_few_participants"
    assert record.total == b""
    with pytest.raises(StageWrong):
        _ = record.words


def test_nobody_is_anybodys_neighbour_before_the_ledger_has_the_block() -> None:
    world = World(4)
    world.join(*range(4))
    world.ledger.behind = True
    assert world.tick(after_ms=STAGE_MS) == []
    assert world.record.stage == "roster"
    world.ledger.behind = False
    rosters = world.tick()
    assert [message.stage for message in rosters] == [ROSTER] * 4
    world.ledger.behind = True
    with pytest.raises(LedgerBehind):
        world.answer(rosters[0])
    world.ledger.behind = False
    assert world.answer(rosters[0]).stage == SHARES


def test_what_was_not_sent_is_sent_again_and_answered_as_before() -> None:
    world = World(6)
    world.join(*range(6))
    for _ in range(4):
        lost = world.tick(after_ms=1, sending=False)
        again = world.tick(after_ms=1)
        assert again == lost
        first = [world.answer(message) for message in lost]
        second = [world.answer(message) for message in again]
        assert first == second
        for message, answer in zip(again, second, strict=True):
            world.take(message.index, answer)
            if not world.record.outcome:
                world.take(message.index, answer)
    assert world.tick(after_ms=1) == []
    assert (world.record.words == world.plain_sum(range(6))).all()


def test_a_hubs_words_are_made_once_however_often_it_is_asked() -> None:
    world = World(4)
    world.join(*range(4))
    for message in world.tick():
        world.take(message.index, world.answer(message))
    for message in world.tick():
        assert world.answer(message) == world.answer(message)
    assert sorted(world.made) == [0, 1, 2, 3]


def test_a_message_in_anothers_name_is_refused_and_changes_nothing() -> None:
    world = World(4)
    world.join(*range(3))
    other = World(4)
    other.join(3)
    advert = Answer("advert", other.member(3).client.advert)
    before = world.record
    with pytest.raises(SenderUnknown):
        round_take(before, 2, advert.stage, advert.data)
    assert world.record == before
    with pytest.raises(SenderUnknown):
        round_take(before, 2, "gossip", b"")


def test_after_the_end_nothing_is_taken() -> None:
    world = World(3)
    world.join(*range(3))
    record = world.run()
    with pytest.raises(StageWrong):
        round_take(record, 0, "advert", world.member(0).client.advert)
