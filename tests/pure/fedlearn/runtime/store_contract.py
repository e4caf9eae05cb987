"""What every store of messages promises: derive a test class from ``StoreContract`` and give it a ``store`` fixture."""

from __future__ import annotations

import pytest

from fedlearn.runtime.errors import KeyInvalid, ObjectTooLarge
from fedlearn.runtime.ports import Store
from fedlearn.runtime.stores import all_keys

LIMIT = 2**20


class StoreContract:
    @pytest.fixture
    def store(self, tmp_path):
        raise NotImplementedError

    def test_what_was_put_is_got(self, store: Store):
        store.put("mail/a/1", b"\x00one")
        store.put("mail/a/2", b"")
        assert store.get("mail/a/1", LIMIT) == b"\x00one"
        assert store.get("mail/a/2", LIMIT) == b""

    def test_there_is_nothing_where_nothing_was_put(self, store: Store):
        store.put("mail/a/1", b"one")
        assert store.get("mail/a/2", LIMIT) is None
        assert store.get("mail/a", LIMIT) is None
        assert store.get("mail/a/1/deeper", LIMIT) is None
        assert store.keys("mail/b/") == []
        assert store.keys("mail/a/1/") == []

    def test_putting_again_replaces(self, store: Store):
        store.put("mail/a/1", b"a long first value")
        store.put("mail/a/1", b"short")
        assert store.get("mail/a/1", LIMIT) == b"short"
        assert store.keys("mail/") == ["mail/a/1"]

    def test_deleting_twice_is_no_error(self, store: Store):
        store.put("mail/a/1", b"one")
        store.put("mail/a/2", b"two")
        store.delete("mail/a/1")
        store.delete("mail/a/1")
        store.delete("mail/never/there")
        assert store.keys("mail/") == ["mail/a/2"]

    def test_keys_are_sorted_and_of_the_folder_only(self, store: Store):
        for key in ("mail/a/2", "mail/a/10", "mail/ab/1", "mail/a/x/1", "mail/b", "nail/a/1"):
            store.put(key, b"x")
        assert store.keys("mail/a/") == ["mail/a/10", "mail/a/2", "mail/a/x/1"]
        assert store.keys("mail/") == sorted(["mail/a/2", "mail/a/10", "mail/ab/1", "mail/a/x/1", "mail/b"])

    def test_keys_come_in_pages_also_while_they_are_deleted(self, store: Store):
        names = [f"mail/a/{number:03d}" for number in range(23)]
        for name in reversed(names):
            store.put(name, b"x")
        assert store.keys("mail/a/", limit=5) == names[:5]
        assert store.keys("mail/a/", after=names[4], limit=5) == names[5:10]
        assert store.keys("mail/a/", after=names[-1]) == []
        seen = []
        for key in all_keys(store, "mail/a/", page=5):
            store.delete(key)
            seen.append(key)
        assert seen == names
        assert store.keys("mail/a/") == []

    def test_an_object_beyond_the_limit_is_refused_and_one_at_it_is_not(self, store: Store):
        store.put("mail/a/1", b"x" * 100)
        assert store.get("mail/a/1", 100) == b"x" * 100
        with pytest.raises(ObjectTooLarge):
            store.get("mail/a/1", 99)

    @pytest.mark.parametrize(
        "key", ["", "/mail", "mail/", "mail//a", "mail/../b", "mail/.hidden", "a/b/c/d/e/f/g", "ä"]
    )
    def test_a_key_that_could_lead_elsewhere_is_refused(self, store: Store, key):
        for call in (lambda: store.put(key, b"x"), lambda: store.get(key, LIMIT), lambda: store.delete(key)):
            with pytest.raises(KeyInvalid):
                call()
        with pytest.raises(KeyInvalid):
            store.keys(key if not key.endswith("/") else key + "/")
