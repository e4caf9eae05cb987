"""Names: pseudonyms of nodes, keys of the store, paths of messages.

Envelopes show sender and recipient to the store, so nodes have pseudonyms. They look like mail addresses because Syft's
do. A path says what a message is about, and Syft's permissions are given for folders of paths:

    offers/in/NAME                 an enterprise asks a hub           offers/out/NAME             its answer
    jobs/JOB/in/ROUND/NAME         to the hubs of a job               jobs/JOB/out/ROUND/NAME     from them
    public/syft_datasets/v1/DATASET/mock                              the mock of a hub's dataset
"""

from __future__ import annotations

import re
from typing import Final, Literal

from fedlearn.runtime.errors import IdentityInvalid, KeyInvalid, PathInvalid

Role = Literal["hub", "enterprise"]
Direction = Literal["in", "out"]

MAX_PATH: Final = 200
MAX_ROUND: Final = 10**9 - 1
OFFERS: Final = "offers"
JOBS: Final = "jobs"
DATASETS: Final = "public/syft_datasets/v1"

_IDENTITY = re.compile(r"(hub|ent)-([0-9a-f]{8,64})@hearth\.invalid")
_PREFIX: Final[dict[Role, str]] = {"hub": "hub", "enterprise": "ent"}
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._-]{0,99}(/[A-Za-z0-9][A-Za-z0-9@._-]{0,99}){0,5}")
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*){1,7}")
_JOB = re.compile(r"[0-9a-f]{1,64}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_ROUND = re.compile(r"jobs/([0-9a-f]{1,64})/(in|out)/(0|[1-9][0-9]{0,8})/.+")
_PERMISSION_FILE = "syft.pub.yaml"


def identity_check(identity: str, role: Role | None = None) -> str:
    """The pseudonym itself; raises ``IdentityInvalid`` unless it is one, and of ``role`` if that is given."""
    found = _IDENTITY.fullmatch(identity)
    if found is None or (role is not None and found[1] != _PREFIX[role]):
        raise IdentityInvalid
    return identity


def identity_of(role: Role, tag: str) -> str:
    """The pseudonym with this tag (8 to 64 hexadecimal digits: an account's address); raises ``IdentityInvalid``."""
    return identity_check(f"{_PREFIX[role]}-{tag}@hearth.invalid")


def tag_of(identity: str) -> str:
    """The hexadecimal part of a pseudonym: its part in the store's keys; raises ``IdentityInvalid``."""
    return identity_check(identity).split("@", 1)[0].split("-", 1)[1]


def store_key(kind: Literal["mail", "request", "bundle"], reader: str, writer: str, number: int | None = None) -> str:
    """The key of what ``writer`` leaves for ``reader``, both pseudonyms: ``KIND/READER/WRITER``, mail with a number.

    Only the writer puts there and only the reader gets; both list and delete. A store that knows who calls should
    hold them to that. A tag names one account, so no hub and enterprise share one.
    """
    key = f"{kind}/{tag_of(reader)}/{tag_of(writer)}"
    return key if number is None else f"{key}/{number:016d}"


def key_check(key: str) -> str:
    """The key itself; raises ``KeyInvalid`` unless it is at most six plain parts with "/" between them."""
    if not _KEY.fullmatch(key):
        raise KeyInvalid
    return key


def prefix_check(prefix: str) -> str:
    """The prefix itself; raises ``KeyInvalid`` unless it is a key with "/" after it."""
    if not prefix.endswith("/") or not _KEY.fullmatch(prefix[:-1]):
        raise KeyInvalid
    return prefix


def path_check(path: str) -> str:
    """The path itself; raises ``PathInvalid``.

    It has two to eight plain parts, none hidden or going up, is not under ``private`` and is no permission file: Syft's
    rules match the text of a path, so ``jobs/1/in/../../private/x`` would pass for something under ``jobs/1/in``.
    """
    if len(path) > MAX_PATH or not _PATH.fullmatch(path):
        raise PathInvalid
    parts = path.split("/")
    if parts[0] == "private" or parts[-1] == _PERMISSION_FILE:
        raise PathInvalid
    return path


def job_folder(job: str, direction: Direction | None = None) -> str:
    """The folder of a job (hexadecimal id), or of its messages to the hubs ("in") or from them ("out")."""
    if not _JOB.fullmatch(job):
        raise PathInvalid("A job is named by up to 64 hexadecimal digits")
    return f"{JOBS}/{job}" if direction is None else f"{JOBS}/{job}/{direction}"


def job_path(job: str, direction: Direction, round_number: int, name: str) -> str:
    """The path of a message of a job's round; raises ``PathInvalid``."""
    if not 0 <= round_number <= MAX_ROUND or not _NAME.fullmatch(name):
        raise PathInvalid
    return path_check(f"{job_folder(job, direction)}/{round_number}/{name}")


def offer_path(direction: Direction, name: str) -> str:
    """The path of an enterprise's offer ("in") or of a hub's answer to it ("out"); raises ``PathInvalid``."""
    return path_check(f"{OFFERS}/{direction}/{name}")


def round_of(path: str) -> tuple[str, int] | None:
    """Job and round of a message, or None if it belongs to no round."""
    found = _ROUND.fullmatch(path)
    return (found[1], int(found[3])) if found else None
