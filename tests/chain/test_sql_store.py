"""The SQL store keeps the promises of every store, and writes blocks so that they survive a loss of power."""

from __future__ import annotations

import pytest
from django.db import connections, transaction

from chain.engine.ledger import Ledger
from chain.engine.ports import Store
from chain.stores.sql import SqlStore, durable, ledgers_in
from tests.pure.chain.stores.contract import StoreContract
from tests.pure.chain.toy import LEDGER, TOY_SET, Write, filled, genesis, produce, signed

ALIAS = "ledger"


def run(query: str, *arguments: str | int | bytes) -> None:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(query, arguments)
        assert cursor.rowcount == 1


@pytest.mark.django_db(databases="__all__")
class TestSqlStore(StoreContract):
    flips = 60

    @pytest.fixture
    def store(self) -> SqlStore:
        return SqlStore(LEDGER, ALIAS)

    def damage(self, store: Store, height: int, data: bytes) -> None:
        if height == 0:
            run("UPDATE chain_genesis SET data = %s WHERE ledger_id = %s", data, store.ledger)
        else:
            run("UPDATE chain_block SET data = %s WHERE ledger_id = %s AND height = %s", data, store.ledger, height)

    def damage_checkpoint(self, store: Store, height: int, part: int, data: bytes) -> None:
        run("UPDATE chain_checkpoint SET data = %s WHERE height = %s AND part = %s", data, height, part)

    def remove(self, store: Store, height: int) -> None:
        run("DELETE FROM chain_block WHERE ledger_id = %s AND height = %s", store.ledger, height)

    def test_ledgers_of_one_table_do_not_meet(self, store: SqlStore) -> None:
        filled(store)
        other_store = SqlStore("other", ALIAS)
        other = Ledger(genesis(ledger="other"), TOY_SET, other_store)
        produce(other, [signed(1, 0, "write", Write(b"a", b"1"), ledger="other")])
        assert (store.height(), other_store.height()) == (6, 1)
        assert ledgers_in(ALIAS) == ("other", LEDGER)

    def test_a_changed_genesis_hash_is_found(self, store: SqlStore) -> None:
        from chain.engine.replay import verify_chain

        filled(store)
        run("UPDATE chain_genesis SET hash = %s WHERE ledger_id = %s", b"\x00" * 32, LEDGER)
        assert verify_chain(store, TOY_SET).wrong_height == 0


@pytest.mark.django_db(databases="__all__", transaction=True)
class TestDurability:
    def test_blocks_are_written_with_synchronous_full_and_the_setting_is_put_back(self) -> None:
        if connections[ALIAS].vendor != "sqlite":
            pytest.skip("only SQLite has this setting")
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("PRAGMA synchronous=NORMAL")
        with durable(ALIAS) as cursor:
            cursor.execute("PRAGMA synchronous")
            assert cursor.fetchone()[0] == 2
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("PRAGMA synchronous")
            assert cursor.fetchone()[0] == 1

    def test_a_block_is_never_part_of_somebody_elses_transaction(self) -> None:
        store = SqlStore(LEDGER, ALIAS)
        with pytest.raises(RuntimeError), transaction.atomic(using=ALIAS):
            store.append_bytes(1, b"block")
        assert store.height() == 0
