"""Shamir's shares: any t give the secret back, fewer say nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.crypto.prg import SeededRandom
from fedlearn.protocol.errors import (
    SharePointInvalid,
    SharesContradict,
    ThresholdInvalid,
    TooFewShares,
)
from fedlearn.protocol.shamir import PRIME, combine, extend, inverses, split, weights_at_zero

SECRETS = st.binary(min_size=32, max_size=32)


def is_probable_prime(number: int) -> bool:
    """Miller and Rabin, to enough bases for a constant."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37):
        power = pow(base, odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True


def test_the_prime_is_the_first_above_2_to_256():
    assert is_probable_prime(PRIME)
    assert not any(is_probable_prime(2**256 + offset) for offset in range(1, 297))


@settings(max_examples=60, deadline=None)
@given(SECRETS, st.integers(1, 12), st.integers(0, 8), SECRETS, st.randoms(use_true_random=False))
def test_any_threshold_of_shares_gives_the_secret_back(secret, threshold, more, seed, chance):
    shares = split(secret, threshold, threshold + more, SeededRandom(seed))
    points = list(enumerate(shares, start=1))
    chance.shuffle(points)
    assert combine(points, threshold) == secret
    assert len(shares) == threshold + more and all(len(share) == 32 for share in shares)


@pytest.mark.parametrize(("threshold", "count"), [(51, 100), (67, 101), (2, 3)])
def test_the_shares_lie_on_one_polynomial_of_degree_threshold_minus_1(threshold, count):
    secret = b"\xff" * 32
    shares = split(secret, threshold, count, SeededRandom(b"s" * 32))
    points = list(enumerate(shares, start=1))
    assert combine(points[-threshold:], threshold) == combine(points[:threshold], threshold) == secret
    assert combine(points[1 : threshold + 1], threshold) == secret


def test_one_share_too_few_fits_every_secret():
    """Given t - 1 shares, each secret has exactly one polynomial: so they say nothing."""
    fixed = split(b"a" * 32, 3, 5, SeededRandom(b"s" * 32))[:2]
    for secret in (b"a" * 32, b"b" * 32, bytes(32)):
        shares = [*fixed, *extend(secret, fixed, 5)]
        assert shares[:2] == fixed and combine(enumerate(shares, start=1), 3) == secret


def test_a_wrong_share_gives_another_secret():
    shares = split(b"a" * 32, 3, 5, SeededRandom(b"s" * 32))
    points = [(1, shares[0]), (2, shares[2]), (3, shares[1])]
    assert combine(points, 3) != b"a" * 32


def test_points_that_are_repeated_or_out_of_range_are_refused():
    share = b"s" * 32
    for points in (
        [(1, share), (1, share)],
        [(0, share), (1, share)],
        [(-1, share), (2, share)],
        [(1, share), (2**17, share)],
    ):
        with pytest.raises(SharePointInvalid):
            combine(points, 2)


def test_too_few_shares_and_impossible_thresholds_are_refused():
    with pytest.raises(TooFewShares):
        combine([(1, b"s" * 32)], 2)
    for threshold, count in ((4, 3), (1, 2**16 + 1)):
        with pytest.raises(ThresholdInvalid):
            split(b"a" * 32, threshold, count, SeededRandom(b"s" * 32))
    with pytest.raises(ThresholdInvalid):
        combine([], 0)


def test_shares_of_another_length_and_secrets_beyond_32_bytes_are_refused():
    with pytest.raises(SharesContradict):
        combine([(1, b"s" * 31)], 1)
    top = (2**256 - 1).to_bytes(32, "big")
    weights = weights_at_zero((1, 2))
    low = (2**256 - weights[0] * (2**256 - 1)) * pow(weights[1], -1, PRIME) % PRIME
    with pytest.raises(SharesContradict):
        combine([(1, top), (2, low.to_bytes(33, "big")[1:])], 2)


def test_weights_are_those_of_the_definition():
    points = (1, 3, 4, 90)
    for weight, here in zip(weights_at_zero(points), points, strict=True):
        expected = 1
        for there in points:
            if there != here:
                expected = expected * there * pow(there - here, -1, PRIME) % PRIME
        assert weight == expected


@given(st.lists(st.integers(1, PRIME - 1), min_size=1, max_size=20))
def test_inverses_by_one_inversion_are_right(values):
    assert all(value * inverse % PRIME == 1 for value, inverse in zip(values, inverses(values), strict=True))
