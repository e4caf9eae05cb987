"""Numbers are given out once and taken once, however letters are repeated, mixed up or late."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.core.codec import decode, encode
from fedlearn.runtime.counters import (
    BACKLOG,
    WINDOW,
    Counters,
    fetched,
    for_key,
    is_new,
    number_next,
    settled,
    taken,
    without,
)
from fedlearn.runtime.errors import MailboxFull


def digest(number: int) -> bytes:
    return number.to_bytes(32, "big")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 3 * WINDOW), max_size=60))
def test_the_window_agrees_with_a_plain_set(numbers):
    counters, seen = Counters(), set()
    for number in numbers:
        wanted = number >= 1 and number not in seen and number > max(seen, default=0) - WINDOW
        assert is_new(counters, number) == wanted
        if wanted:
            counters = taken(counters, number)
            seen.add(number)
            assert decode(Counters, encode(counters)) == counters
    assert counters.highest == max(seen, default=0)


def test_the_last_number_of_the_window_is_taken_and_the_one_before_is_not():
    counters = taken(Counters(), WINDOW + 5)
    assert is_new(counters, 6)
    assert not is_new(counters, 5)
    assert not is_new(counters, 0)


def test_a_letter_keeps_its_number_until_the_store_took_it():
    counters, first = number_next(Counters(), digest(1), "", 0)
    counters, second = number_next(counters, digest(2), "", 0)
    again, number = number_next(counters, digest(1), "", 0)
    assert (first, second, number) == (1, 2, 1)
    assert again == counters
    counters, number = number_next(settled(counters, 1), digest(1), "", 0)
    assert number == 3


def test_a_try_too_old_for_the_window_gets_a_new_number():
    counters, first = number_next(Counters(), digest(0), "", 0)
    for index in range(1, WINDOW):
        counters, number = number_next(counters, digest(index), "", 0)
        counters = fetched(settled(counters, number), frozenset())
    counters, number = number_next(counters, digest(0), "", 0)
    assert (first, number) == (1, WINDOW + 1)


def test_what_is_kept_of_letters_is_bounded():
    counters = Counters()
    for index in range(BACKLOG):
        counters, number = number_next(counters, digest(index), "ab", index)
        counters = settled(counters, number)
    with pytest.raises(MailboxFull):
        number_next(counters, digest(BACKLOG), "ab", 0)
    assert number_next(fetched(counters, frozenset({1, 2})), digest(BACKLOG), "ab", 0)[1] == BACKLOG + 1
    assert number_next(without(counters, frozenset({1})), digest(BACKLOG), "ab", 0)[1] == BACKLOG + 1
    for index in range(500):
        counters, number = number_next(fetched(counters, frozenset()), digest(index), "ab", 0)
    assert len(encode(counters)) < 16_000


def test_another_key_counts_from_the_start_and_the_same_key_goes_on():
    counters = taken(for_key(Counters(), "aa"), 7)
    assert not is_new(for_key(counters, "aa"), 7)
    assert is_new(for_key(counters, "bb"), 7)
    assert for_key(counters, "bb").sent == counters.sent
