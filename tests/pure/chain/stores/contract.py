"""What every store must do. Subclasses give ``store`` (a fixture) and run the same tests."""

from __future__ import annotations

import random

import pytest

from chain.core.codec import encode
from chain.core.errors import LedgerFault
from chain.engine.ledger import Ledger
from chain.engine.ports import HeightTaken, Store
from chain.engine.replay import verify_chain
from tests.pure.chain.toy import TOY_SET, Write, filled, genesis, produce, signed


class StoreContract:
    """The promises of ``Store``."""

    def damage(self, store: Store, height: int, data: bytes) -> None:
        """Put other bytes in the place of a stored block (0: of the genesis), as a fault of the disk would."""
        raise NotImplementedError

    def damage_checkpoint(self, store: Store, height: int, part: int, data: bytes) -> None:
        raise NotImplementedError

    def remove(self, store: Store, height: int) -> None:
        raise NotImplementedError

    def test_an_empty_store_has_no_genesis_and_height_zero(self, store: Store) -> None:
        assert store.genesis() is None
        assert store.height() == 0
        assert list(store.rows()) == []
        assert store.row(1) is None
        assert store.checkpoint_heights() == ()

    def test_genesis_is_kept_and_taken_once(self, store: Store) -> None:
        store.save_genesis(genesis())
        assert store.genesis() == genesis()
        with pytest.raises(HeightTaken):
            store.save_genesis(genesis())

    def test_only_the_next_height_is_appended(self, store: Store) -> None:
        store.save_genesis(genesis())
        store.append_bytes(1, b"one")
        for wrong in (1, 3, 0):
            with pytest.raises(HeightTaken):
                store.append_bytes(wrong, b"other")
        store.append_bytes(2, b"two")
        assert list(store.rows()) == [(1, b"one"), (2, b"two")]
        assert list(store.rows(2)) == [(2, b"two")]
        assert store.height() == 2

    def test_many_rows_come_back_in_order(self, store: Store) -> None:
        for height in range(1, 601):
            store.append_bytes(height, b"%d" % height)
        assert [height for height, _ in store.rows()] == list(range(1, 601))
        assert [height for height, _ in store.rows(590)] == list(range(590, 601))

    def test_only_two_checkpoints_are_kept(self, store: Store) -> None:
        for height in (3, 5, 9):
            store.save_checkpoint(height, [b"head", b"part one", b"part two"])
        assert store.checkpoint_heights() == (9, 5)
        assert store.checkpoint_parts(9) == (b"head", b"part one", b"part two")
        assert store.checkpoint_parts(3) == ()

    def test_a_checkpoint_of_one_height_is_replaced(self, store: Store) -> None:
        store.save_checkpoint(3, [b"head", b"one", b"two"])
        store.save_checkpoint(3, [b"other head", b"one"])
        assert store.checkpoint_parts(3) == (b"other head", b"one")

    def test_a_ledger_reopens_as_it_was(self, store: Store) -> None:
        ledger = filled(store)
        again = Ledger(genesis(), TOY_SET, store)
        assert (again.height, again.head_hash) == (ledger.height, ledger.head_hash)
        assert again.state.snapshot() == ledger.state.snapshot()

    def test_a_ledger_reopens_from_its_checkpoint_without_the_blocks_before(self, store: Store) -> None:
        ledger = filled(store)
        snapshot = ledger.checkpoint_take(now=True)
        assert snapshot is not None
        ledger.checkpoint_save(snapshot)
        produce(ledger, [signed(9, 0, "write", Write(b"after", b"!"))])
        self.damage(store, 1, b"unreadable")
        again = Ledger(genesis(), TOY_SET, store)
        assert again.head_hash == ledger.head_hash
        assert encoded(again) == encoded(ledger)

    def test_a_damaged_checkpoint_is_passed_over(self, store: Store) -> None:
        ledger = filled(store)
        snapshot = ledger.checkpoint_take(now=True)
        assert snapshot is not None
        ledger.checkpoint_save(snapshot)
        parts = store.checkpoint_parts(ledger.height)
        self.damage_checkpoint(store, ledger.height, 1, flipped(parts[1], 20))
        again = Ledger(genesis(), TOY_SET, store)
        assert again.state.snapshot() == ledger.state.snapshot()
        report = verify_chain(store, TOY_SET)
        assert report.wrong_height == ledger.height

    def test_verify_holds_for_an_undamaged_ledger(self, store: Store) -> None:
        ledger = filled(store)
        snapshot = ledger.checkpoint_take(now=True)
        assert snapshot is not None
        ledger.checkpoint_save(snapshot)
        seen: list[tuple[int, int]] = []
        report = verify_chain(store, TOY_SET, lambda height, head: seen.append((height, head)))
        assert report.ok and report.blocks == 6 and report.transactions == 13
        assert report.head_hash == ledger.head_hash
        assert seen == [(height, 6) for height in range(1, 7)]

    def test_a_byte_flipped_anywhere_is_found_at_its_height(self, store: Store) -> None:
        filled(store)
        chance = random.Random(7)
        stored = {0: (store.genesis_row() or (b"",))[0], **dict(store.rows())}
        places = [(height, place) for height, data in stored.items() for place in range(len(data))]
        for height, place in chance.sample(places, min(len(places), self.flips)):
            data = stored[height]
            self.damage(store, height, flipped(data, place, 1 << chance.randrange(8)))
            report = verify_chain(store, TOY_SET)
            assert report.wrong_height == height, (height, place, report)
            assert report.reason
            self.damage(store, height, data)
        assert verify_chain(store, TOY_SET).ok

    flips = 150

    def test_a_missing_block_is_named(self, store: Store) -> None:
        filled(store)
        self.remove(store, 3)
        assert verify_chain(store, TOY_SET).wrong_height == 3
        with pytest.raises(LedgerFault) as fault:
            list(store.blocks())
        assert fault.value.height == 3

    def test_a_second_writer_is_refused_and_catches_up(self, store: Store) -> None:
        first = filled(store)
        second = Ledger(genesis(), TOY_SET, store)
        produce(first, [signed(9, 0, "write", Write(b"z", b"first"))])
        with pytest.raises(HeightTaken):
            produce(second, [signed(9, 0, "write", Write(b"z", b"second"))])
        assert second.refresh() == 1
        assert second.head_hash == first.head_hash
        assert len(second.pool) == 0 or second.pool.take(second.state, second.height + 1).transactions == []

    def test_another_genesis_does_not_open(self, store: Store) -> None:
        filled(store)
        with pytest.raises(LedgerFault):
            Ledger(genesis(fee=1), TOY_SET, store)


def flipped(data: bytes, place: int, bits: int = 1) -> bytes:
    return data[:place] + bytes([data[place] ^ bits]) + data[place + 1 :]


def encoded(ledger: Ledger) -> dict[str, dict[bytes, bytes]]:
    """The state as bytes, whether rows were decoded already or not."""
    return {
        name: {key: row if isinstance(row, bytes) else encode(row) for key, row in rows.items()}
        for name, rows in ledger.state.snapshot().items()
        if rows
    }
