"""Merkle trees as Certificate Transparency defines them (RFC 6962, section 2.1; checks by RFC 9162, section 2.1.3.2).

A leaf hashes as SHA-256(0x00 | data), a node as SHA-256(0x01 | left | right), and a tree over n leaves splits at the
largest power of two below n. Hashes are 32 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chain.crypto.hashing import new_sha256, sha256

EMPTY_ROOT = sha256(b"")


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf that holds the data."""
    return new_sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node over two subtrees."""
    return sha256(b"\x01" + left + right)


def levels_of(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """All levels of the tree, leaves first. A node without a neighbour moves up as it is, which is RFC 6962's split."""
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        level = [new_sha256(b"\x01" + below[i] + below[i + 1]).digest() for i in range(0, len(below) - 1, 2)]
        if len(below) & 1:
            level.append(below[-1])
        levels.append(level)
    return levels


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes in their order; of none, the hash of the empty string."""
    return levels_of(leaves)[-1][0] if leaves else EMPTY_ROOT


def leaf_hashes(data: Iterable[bytes]) -> list[bytes]:
    """The hashes of many leaves."""
    return [new_sha256(b"\x00" + item).digest() for item in data]


def root_of(data: Iterable[bytes]) -> bytes:
    """The root over the data itself."""
    return root(leaf_hashes(data))


def path(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The audit path of the leaf at ``index``, from its neighbour up; raises ``IndexError`` if there is none."""
    return path_in(levels_of(leaves), index)


def path_in(levels: Sequence[Sequence[bytes]], index: int) -> tuple[bytes, ...]:
    """The audit path from levels that ``levels_of`` made, for many paths of one tree."""
    if not 0 <= index < len(levels[0]):
        raise IndexError("the tree has no such leaf")
    found = []
    for level in levels[:-1]:
        neighbour = index ^ 1
        if neighbour < len(level):
            found.append(level[neighbour])
        index >>= 1
    return tuple(found)


def verify_path(leaf: bytes, index: int, count: int, audit_path: Sequence[bytes], expected_root: bytes) -> bool:
    """Whether the path proves that ``leaf`` (a leaf hash) is leaf ``index`` of the ``count`` leaves under the root."""
    if not 0 <= index < count:
        return False
    position, last, found = index, count - 1, leaf
    for neighbour in audit_path:
        if last == 0 or len(neighbour) != 32:
            return False
        if position & 1 or position == last:
            found = node_hash(neighbour, found)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            found = node_hash(found, neighbour)
        position >>= 1
        last >>= 1
    return last == 0 and found == expected_root
