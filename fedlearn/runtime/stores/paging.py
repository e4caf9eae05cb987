"""Going through more keys than a page holds."""

from __future__ import annotations

from collections.abc import Iterator

from fedlearn.runtime.ports import PAGE, Store


def all_keys(store: Store, prefix: str, page: int = PAGE) -> Iterator[str]:
    """All keys under a folder, sorted, fetched a page at a time; they may be deleted meanwhile."""
    after = ""
    while True:
        found = store.keys(prefix, after, page)
        yield from found
        if len(found) < page:
            return
        after = found[-1]
