"""The cloud store itself: files, or S3 by settings. What it says when it fails becomes one refusal of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.storage import Storage, storages

from marketplace.common.errors import Unavailable


class StoreAway(Unavailable):
    """The store can't be reached, refuses the node's key, or has lost what the node put there."""

    code = "store_away"
    title = "The cloud store does not answer"


def storage() -> Storage:
    return storages["lots"]


@contextmanager
def store_steps() -> Iterator[Storage]:
    """The store, for a few steps; whatever goes wrong in it is raised as ``StoreAway``."""
    try:
        yield storage()
    except (OSError, BotoCoreError, ClientError) as fault:
        raise StoreAway(f"The cloud store failed: {type(fault).__name__}") from fault
