"""Merkle trees by Certificate Transparency's vectors, and their proofs by chance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.core.merkle import EMPTY_ROOT, leaf_hash, levels_of, node_hash, path, path_in, root, root_of, verify_path

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[3] / "vectors" / "merkle.json").read_text())
LEAVES = [bytes.fromhex(leaf) for leaf in VECTORS["leaves"]]
ROOTS = [bytes.fromhex(each) for each in VECTORS["roots"]]


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(by_definition(leaves[:split]), by_definition(leaves[split:]))


@pytest.mark.parametrize("count", range(1, len(ROOTS) + 1))
def test_roots_are_those_of_certificate_transparency(count: int) -> None:
    assert root_of(LEAVES[:count]) == ROOTS[count - 1]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert root([]) == root_of([]) == bytes.fromhex(VECTORS["empty_root"])


@pytest.mark.parametrize("vector", VECTORS["paths"], ids=lambda vector: f"{vector['index']} of {vector['count']}")
def test_paths_are_those_of_certificate_transparency(vector: dict[str, Any]) -> None:
    index, count = vector["index"], vector["count"]
    hashes = [leaf_hash(leaf) for leaf in LEAVES[:count]]
    expected = tuple(bytes.fromhex(each) for each in vector["path"])
    assert path(hashes, index) == expected
    assert verify_path(hashes[index], index, count, expected, ROOTS[count - 1])


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_roots_follow_the_definition(leaves: list[bytes]) -> None:
    assert root_of(leaves) == by_definition(leaves)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40, unique=True), st.data())
def test_a_path_proves_its_leaf_at_its_place_and_nothing_else(leaves: list[bytes], data: st.DataObject) -> None:
    hashes = [leaf_hash(leaf) for leaf in leaves]
    index = data.draw(st.integers(0, len(leaves) - 1))
    expected, proof = root(hashes), path_in(levels_of(hashes), index)
    assert verify_path(hashes[index], index, len(leaves), proof, expected)
    other = data.draw(st.integers(0, len(leaves) - 1))
    if other != index:
        assert not verify_path(hashes[other], index, len(leaves), proof, expected)
        assert not verify_path(hashes[index], other, len(leaves), proof, expected)
    assert not verify_path(hashes[index], index, len(leaves), (*proof, hashes[index]), expected)
    if proof:
        assert not verify_path(hashes[index], index, len(leaves), proof[:-1], expected)
        assert not verify_path(hashes[index], index, len(leaves), (*proof[:-1], bytes(31)), expected)


@pytest.mark.parametrize(("index", "count"), [(-1, 3), (3, 3), (0, 0)])
def test_places_outside_the_tree_prove_nothing(index: int, count: int) -> None:
    assert not verify_path(leaf_hash(b""), index, count, (), leaf_hash(b""))
    with pytest.raises(IndexError):
        path([leaf_hash(b"")], 1)
