"""Random interleavings of market calls by honest and cheating parties, against every invariant of protocols.md 3."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from chain.contracts.market import pending
from chain.contracts.market.lots import height_key, totals
from chain.contracts.market.rows import (
    BEACONS,
    LOTS,
    ORDERS,
    Accept,
    Expire,
    ExpireLot,
    OrderRow,
    PreviewExpire,
    Reject,
    Reprice,
    Settle,
    Unlist,
)
from tests.pure.chain.contracts.steps import accredit, chosen, lot_row
from tests.pure.chain.contracts.world import (
    OPERATOR,
    T0,
    TestLot,
    World,
    address,
    answer,
    broken_cipher,
    commit_args,
    deliver_args,
    fund_args,
    honest,
    key_of,
    make_lot,
    shared_genesis,
    wrong_key,
    wrong_plaintext,
)

BUYERS = ("acme", "bolt")
FIRST_CREDITS = 500
TAMPERS = {"honest": honest, "plaintext": wrong_plaintext(3), "cipher": broken_cipher(0), "keys": wrong_key(5)}
FALSE_CHUNK = {"plaintext": 3, "cipher": 0}


@cache
def lot_of(number: int, kind: str) -> TestLot:
    """Sealing is the same in every run, so it is done once."""
    return make_lot(f"{kind}{number}", TAMPERS[kind], price=10 + 7 * number, expires_ms=T0 + 60_000)


class MarketMachine(RuleBasedStateMachine):
    """Sellers, buyers and bystanders act in any order; what they can't do is refused, and what they do adds up."""

    lots = Bundle("lots")
    orders = Bundle("orders")

    @initialize(target=lots)
    def begin(self) -> Any:
        self.world = World(shared_genesis())
        accredit(self.world, *BUYERS, amount=FIRST_CREDITS)
        self.total = self.world.credits_total()
        self.by_id: dict[bytes, TestLot] = {}
        self.r_names: dict[bytes, str] = {}
        self.ended: dict[bytes, OrderRow] = {}
        self.r_count = 0
        return multiple(*(self.publish_and_list(kind, 5) for kind in sorted(TAMPERS)))

    @rule(ms=st.sampled_from([1, 1, 700, 3001]))
    def time_passes(self, ms: int) -> None:
        self.world.block(ms)

    @rule(order_id=orders, past_ms=st.sampled_from([-1, 0, 0, 1]))
    def a_deadline_comes(self, order_id: bytes, past_ms: int) -> None:
        ms = self.row(order_id).deadline_ms + past_ms - self.world.time_ms
        if ms > 0:
            self.world.block(ms)

    @rule(target=lots, kind=st.sampled_from(sorted(TAMPERS)), number=st.integers(0, 1))
    def publish(self, kind: str, number: int) -> Any:
        lot = lot_of(number, kind)
        if self.world.code(lot.payee, "market.publish", lot.digest):
            return multiple()
        self.by_id[lot.lot_id] = lot
        return lot

    @rule(lot=lots, cheat=st.sampled_from([False, False, False, True]))
    def open_preview(self, lot: TestLot, cheat: bool) -> None:
        beacon = self.world.state.get(BEACONS, height_key(lot_row(self.world, lot).anchored_height))
        if beacon is not None and beacon.hash:
            source = make_lot("forged") if cheat else lot
            self.world.code(lot.payee, "market.open_preview", source.preview(chosen(self.world, lot)))

    @rule(target=lots, kind=st.sampled_from(sorted(TAMPERS)), number=st.integers(2, 4))
    def publish_and_list(self, kind: str, number: int) -> Any:
        lot = lot_of(number, kind)
        if self.world.code(lot.payee, "market.publish", lot.digest):
            return multiple()
        self.by_id[lot.lot_id] = lot
        self.world.block()
        self.world.block()
        self.open_preview(lot, cheat=False)
        return lot

    @rule(lot=lots, what=st.sampled_from(["preview_expire", "expire_lot"]))
    def anyone_ends_a_lot(self, lot: TestLot, what: str) -> None:
        args = PreviewExpire(lot_id=lot.lot_id) if what == "preview_expire" else ExpireLot(lot_id=lot.lot_id)
        self.world.code("nobody", f"market.{what}", args)

    @rule(lot=lots, price=st.integers(0, 60))
    def reprice(self, lot: TestLot, price: int) -> None:
        self.world.code(lot.payee, "market.reprice", Reprice(price=price))

    @rule(lot=lots, sure=st.integers(0, 3))
    def unlist(self, lot: TestLot, sure: int) -> None:
        if sure == 3:
            self.world.code(lot.payee, "market.unlist", Unlist())

    @rule(target=orders, lot=lots, buyer=st.sampled_from([*BUYERS, "stranger"]), again=st.booleans())
    def fund(self, lot: TestLot, buyer: str, again: bool) -> Any:
        r_name = f"r{self.r_count - 1 if again and self.r_count else self.r_count}"
        args = fund_args(self.world, lot, r_name, buyer, price=lot_row(self.world, lot).price)
        had = self.world.balance(buyer)
        known = key_of(r_name) in {row.point for _, row in self.world.state.scan(ORDERS)}
        if self.world.code(buyer, "market.fund", args):
            return multiple()
        assert had >= args.price and buyer != "stranger" and not known
        self.r_count += not known
        order_id = next(key for key, row in self.world.state.scan(ORDERS) if row.point == key_of(r_name))
        self.r_names[order_id] = r_name
        return order_id

    @rule(order_id=orders, wrong=st.sampled_from([False, False, False, True]))
    def commit(self, order_id: bytes, wrong: bool) -> None:
        lot, r_name = self.parts(order_id)
        e = answer(lot, "wrong" if wrong else r_name)
        self.world.code(lot.payee, "market.commit", commit_args(order_id, e))

    @rule(order_id=orders)
    def deliver(self, order_id: bytes) -> None:
        lot, r_name = self.parts(order_id)
        self.world.code(lot.payee, "market.deliver", deliver_args(order_id, answer(lot, r_name)))

    @rule(order_id=orders)
    def commit_and_deliver_what_is_wrong(self, order_id: bytes) -> None:
        lot, _ = self.parts(order_id)
        self.commit(order_id, wrong=True)
        assert self.world.code(lot.payee, "market.deliver", deliver_args(order_id, answer(lot, "wrong"))) != ""

    @rule(target=orders, lot=lots, buyer=st.sampled_from(BUYERS))
    def fund_and_deliver(self, lot: TestLot, buyer: str) -> Any:
        order_id = self.fund(lot, buyer, again=False)
        if not isinstance(order_id, bytes):
            return multiple()
        self.commit(order_id, wrong=False)
        self.deliver(order_id)
        return order_id

    @rule(order_id=consumes(orders))
    def reject(self, order_id: bytes) -> None:
        lot, _ = self.parts(order_id)
        self.world.code(lot.payee, "market.reject", Reject(order_id=order_id, code="no"))

    @rule(order_id=orders, sender=st.sampled_from([*BUYERS, "nobody"]))
    def accept(self, order_id: bytes, sender: str) -> None:
        code = self.world.code(sender, "market.accept", Accept(order_id=order_id))
        assert code or address(sender) == self.row(order_id).buyer

    @rule(order_id=orders, what=st.sampled_from(["settle", "expire"]))
    def anyone_ends_an_order(self, order_id: bytes, what: str) -> None:
        args = Settle(order_id=order_id) if what == "settle" else Expire(order_id=order_id)
        self.world.code("nobody", f"market.{what}", args)

    @rule(order_id=orders, index=st.sampled_from([0, 3, 5, 5]), about_key=st.booleans())
    def complain(self, order_id: bytes, index: int, about_key: bool) -> None:
        lot, _ = self.parts(order_id)
        kind = lot.name.rstrip("0123456789")
        buyer = next(name for name in BUYERS if address(name) == self.row(order_id).buyer)
        if about_key:
            code = self.world.code(buyer, "market.complain_key", lot.complaint_key(order_id, index))
            assert code or (kind, index) == ("keys", 5), "an honest list of keys was burnt"
            if not code:
                assert lot_row(self.world, lot).status == "BURNT"
                assert lot.lot_id not in {row.lot_id for row in self.open_orders()}
        else:
            code = self.world.code(buyer, "market.complain_chunk", lot.complaint_chunk(order_id, index))
            justified = FALSE_CHUNK.get(kind) == index or (kind, index) == ("keys", 5)
            assert code or justified, "an honest chunk was refunded"

    @invariant()
    def the_escrow_is_the_sum_of_the_open_orders(self) -> None:
        open_rows = self.open_orders()
        counted = totals(self.world.state)
        assert self.world.escrow() == sum(row.price for row in open_rows) == counted.escrow
        assert counted.open_orders == len(open_rows)
        listed_open = [order_id for _, lot in self.world.state.scan(LOTS) for order_id in lot.open_orders]
        assert sorted(listed_open) == sorted(row.order_id for row in open_rows)
        anchored = sum(lot.status == "ANCHORED" for _, lot in self.world.state.scan(LOTS))
        assert pending(self.world.state) == bool(open_rows or anchored)

    @invariant()
    def credits_are_conserved_and_each_order_is_paid_once(self) -> None:
        rows = [row for _, row in self.world.state.scan(ORDERS)]
        for name in BUYERS:
            spent = sum(row.price for row in rows if row.buyer == address(name) and row.status != "REFUNDED")
            assert self.world.balance(name) == FIRST_CREDITS - spent
        settled = [row for row in rows if row.status == "SETTLED"]
        for lot in self.by_id.values():
            assert self.world.balance(lot.payee) == sum(r.price - r.fee for r in settled if r.lot_id == lot.lot_id)
        assert self.world.balance(OPERATOR) == sum(row.fee for row in settled)
        assert self.world.credits_total() == self.total

    @invariant()
    def an_order_that_ended_stays_as_it_is(self) -> None:
        for order_id, row in self.world.state.scan(ORDERS):
            if row.status in ("SETTLED", "REFUNDED"):
                assert self.ended.setdefault(order_id, row) == row and row.outcome
        assert set(self.ended) <= {order_id for order_id, _ in self.world.state.scan(ORDERS)}

    @invariant()
    def the_windows_of_seller_and_expiry_never_overlap(self) -> None:
        for row in self.open_orders():
            lot, r_name = self.parts(row.order_id)
            e = answer(lot, r_name)
            can_expire = self.would("nobody", "market.expire", Expire(order_id=row.order_id))
            can_commit = self.would(lot.payee, "market.commit", commit_args(row.order_id, e))
            can_deliver = self.would(lot.payee, "market.deliver", deliver_args(row.order_id, e))
            can_settle = self.would("nobody", "market.settle", Settle(order_id=row.order_id))
            assert can_expire + can_commit + can_deliver + can_settle <= 1
            if row.status == "FUNDED":
                assert can_expire != can_commit

    def teardown(self) -> None:
        """Whatever happened, anyone can end every order once its deadline has passed, and then the escrow is empty."""
        if not hasattr(self, "world"):
            return
        self.world.block(10_000_000)
        for row in self.open_orders():
            if row.status == "DELIVERED":
                self.world.call("nobody", "market.settle", Settle(order_id=row.order_id))
            else:
                self.world.call("nobody", "market.expire", Expire(order_id=row.order_id))
        for lot_id, lot in list(self.world.state.scan(LOTS)):
            if lot.status == "ANCHORED":
                self.world.call("nobody", "market.preview_expire", PreviewExpire(lot_id=lot_id))
        assert self.world.escrow() == 0
        assert not pending(self.world.state)
        self.the_escrow_is_the_sum_of_the_open_orders()
        self.credits_are_conserved_and_each_order_is_paid_once()

    def row(self, order_id: bytes) -> OrderRow:
        row = self.world.state.get(ORDERS, order_id)
        assert row is not None
        return row

    def parts(self, order_id: bytes) -> tuple[TestLot, str]:
        return self.by_id[self.row(order_id).lot_id], self.r_names[order_id]

    def open_orders(self) -> list[OrderRow]:
        open_states = ("FUNDED", "COMMITTED", "DELIVERED")
        return [row for _, row in self.world.state.scan(ORDERS) if row.status in open_states]

    def would(self, sender: str, name: str, args: Any) -> bool:
        """Whether a call would go through now, without making it."""
        return not self.world.code(sender, name, args, keep=False)


TestMarketMachine = MarketMachine.TestCase
TestMarketMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
