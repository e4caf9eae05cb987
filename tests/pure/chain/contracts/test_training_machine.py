"""Random interleavings of training licences, service orders and copies: one escrow, and every credit accounted for."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from chain.contracts.crossing import ConfirmService, FundService, FundTraining, JobEnd, share_leaf
from chain.contracts.market.ids import order_id_of
from chain.contracts.market.rows import ORDERS, Accept, Expire, Reject
from chain.contracts.market.training import training_totals
from chain.contracts.market.training_rows import (
    BONUSES,
    POOLS,
    TRAININGS,
    AcceptTraining,
    BonusClaim,
    ClaimBonus,
    CloseTraining,
    DeclineTraining,
    EndPool,
    EndTraining,
    ExpireTraining,
    ReleaseRound,
    TrainingRow,
)
from chain.contracts.service_escrow import MONEY, DeclineService, ExpireService, service_totals
from chain.core.merkle import EMPTY_ROOT, leaf_hash, path, root
from chain.core.proofs import TxProof
from chain.crypto.hashing import sha256
from tests.pure.chain.contracts.receipts import (
    MODELS_ID,
    NONCE,
    claim,
    job_of,
    line,
    order_of,
    receipt,
    round_args,
    shared_trusting,
)
from tests.pure.chain.contracts.steps import accredit, listed
from tests.pure.chain.contracts.world import OPERATOR, TestLot, World, address, fund_args, key_of, make_lot

BUYERS = ("acme", "bolt")
HOMES = ("home1", "home2")
FIRST_CREDITS = 3000
CLAIM_MS = 4_000
ROUNDS = 3
PLANS = (sha256(b"plan 1"), sha256(b"plan 2"))
TRAININGS_OPEN = ("FUNDED", "ACCEPTED")


@cache
def lot_of(number: int) -> TestLot:
    return make_lot(f"train{number}", licence_kind="training", price=(5, 40, 103)[number])


COPY = make_lot("copy", price=30)
LOTS = tuple(lot_of(number) for number in range(3))


@cache
def all_orders(buyer: str, plan: bytes) -> tuple[bytes, ...]:
    return tuple(order_of(buyer, lot, plan) for lot in LOTS)


@cache
def round_receipt(buyer: str, plan: bytes, number: int) -> TxProof:
    args = round_args(job_of(buyer, plan), number, list(all_orders(buyer, plan)))
    return receipt(MODELS_ID, buyer, "service_models.round", args)


WEIGHTS = (500_000, 300_000, 400_000)  # more than the pool in all, so that not every claim can go through


@cache
def end_receipt(buyer: str, plan: bytes, outcome: str) -> TxProof:
    leaves = [leaf_hash(share_leaf(*pair)) for pair in zip(all_orders(buyer, plan), WEIGHTS, strict=True)]
    done = outcome == "completed"
    shares = root(leaves) if done else EMPTY_ROOT
    args = JobEnd(job_of(buyer, plan), outcome, "" if done else "stopped", shares, len(leaves) if done else 0)  # type: ignore[arg-type]
    return receipt(MODELS_ID, buyer, "service_models.job_end", args)


class LearningMachine(RuleBasedStateMachine):
    """Enterprises, homes and bystanders act in any order; what they do adds up, and all of it ends."""

    jobs = Bundle("jobs")

    @initialize(target=jobs, plan=st.sampled_from(PLANS), which=st.sets(st.integers(0, 2), min_size=1))
    def begin(self, plan: bytes, which: set[int]) -> Any:
        self.world = World(shared_trusting(claim_ms=CLAIM_MS))
        accredit(self.world, *BUYERS, amount=FIRST_CREDITS)
        accredit(self.world, *HOMES, amount=FIRST_CREDITS)
        for lot in (*LOTS, COPY):
            listed(self.world, lot)
        self.total = self.world.credits_total()
        self.ended: dict[bytes, TrainingRow] = {}
        self.shares: dict[tuple[bytes, int], int] = {}
        self.count = 0
        return self.fund_and_accept("acme", plan, which, 50)

    @rule(ms=st.sampled_from([1, 1, 1, 900, 3001]))
    def time_passes(self, ms: int) -> None:
        self.world.block(ms)

    @rule(past_ms=st.sampled_from([0, 1]), index=st.integers(0, 20))
    def a_deadline_comes(self, past_ms: int, index: int) -> None:
        ends = [each for row in self.open() for each in (row.accept_until_ms, row.deadline_ms + CLAIM_MS)]
        ends = [end + past_ms - self.world.time_ms for end in ends if end + past_ms > self.world.time_ms]
        if ends:
            self.world.block(ends[index % len(ends)])

    @rule(
        target=jobs,
        buyer=st.sampled_from([*BUYERS, "stranger"]),
        plan=st.sampled_from(PLANS),
        which=st.sets(st.integers(0, 2), min_size=1),
        bonus=st.sampled_from([0, 0, 50]),
        lasts_ms=st.sampled_from([2_000, 10_000, 60_000]),
    )
    def fund(self, buyer: str, plan: bytes, which: set[int], bonus: int, lasts_ms: int) -> Any:
        lines = tuple(line(LOTS[number]) for number in sorted(which))
        args = FundTraining(plan, NONCE, ROUNDS, lines, self.world.time_ms + lasts_ms, bonus)
        had = self.world.balance(buyer)
        if self.world.code(buyer, "market.fund_training", args):
            assert self.world.balance(buyer) == had
            return multiple()
        assert had - self.world.balance(buyer) == sum(each.price for each in lines) + bonus
        return buyer, plan

    @rule(
        target=jobs,
        buyer=st.sampled_from(BUYERS),
        plan=st.sampled_from(PLANS),
        which=st.sets(st.integers(0, 2), min_size=1),
        bonus=st.sampled_from([0, 50]),
    )
    def fund_and_accept(self, buyer: str, plan: bytes, which: set[int], bonus: int) -> Any:
        job = self.fund(buyer, plan, which, bonus, 60_000)
        if not isinstance(job, tuple):
            return multiple()
        for number in which:
            self.accept(job, number, "payee")
        return job

    @rule(job=jobs, number=st.integers(1, ROUNDS), which=st.integers(0, 2), again=st.booleans())
    def release_one(self, job: tuple[str, bytes], number: int, which: int, again: bool) -> None:
        self.release(job, number, {which})
        if again:
            self.release(job, number, {which})

    @rule(job=jobs, number=st.integers(0, 2), sender=st.sampled_from(["payee", "payee", "acme"]))
    def accept(self, job: tuple[str, bytes], number: int, sender: str) -> None:
        lot = LOTS[number]
        name = lot.payee if sender == "payee" else sender
        code = self.world.code(name, "market.accept_training", AcceptTraining(order_of(job[0], lot, job[1])))
        assert code or name == lot.payee

    @rule(job=jobs, number=st.integers(0, 2), sure=st.integers(0, 3))
    def decline(self, job: tuple[str, bytes], number: int, sure: int) -> None:
        lot = LOTS[number]
        if sure == 3:
            args = DeclineTraining(order_of(job[0], lot, job[1]), "no")
            self.world.code(lot.payee, "market.decline_training", args)

    @rule(job=jobs, number=st.integers(1, ROUNDS), which=st.sets(st.integers(0, 2), min_size=1))
    def release(self, job: tuple[str, bytes], number: int, which: set[int]) -> None:
        orders = all_orders(*job)
        claims = tuple(claim(number, list(orders), orders[each]) for each in sorted(which))
        before = {order: self.released(order) for order in orders}
        args = ReleaseRound(round_receipt(*job, number), claims)
        self.world.code("anyone", "market.release_round", args)
        for order in orders:
            share = self.released(order) - before[order]
            if share:
                assert self.shares.setdefault((order, number), share) == share
                assert sum(paid for (each, _), paid in self.shares.items() if each == order) == self.released(order)

    @rule(job=jobs, outcome=st.sampled_from(["completed", "failed"]), which=st.sets(st.integers(0, 2)))
    def close(self, job: tuple[str, bytes], outcome: str, which: set[int]) -> None:
        orders = tuple(all_orders(*job)[each] for each in sorted(which))
        args = CloseTraining(end_receipt(*job, outcome), orders)
        self.world.code("anyone", "market.close_training", args)

    @rule(job=jobs, number=st.integers(0, 2))
    def claim_bonus(self, job: tuple[str, bytes], number: int) -> None:
        orders = all_orders(*job)
        self.release(job, 1, {number})
        leaves = [leaf_hash(share_leaf(*pair)) for pair in zip(orders, WEIGHTS, strict=True)]
        share = BonusClaim(orders[number], WEIGHTS[number], number, path(leaves, number))
        args = ClaimBonus(end_receipt(*job, "completed"), (share,))
        self.world.code("anyone", "market.claim_bonus", args)

    @rule(job=jobs, number=st.integers(0, 2), what=st.sampled_from(["expire_training", "end_training", "end_pool"]))
    def anyone_ends(self, job: tuple[str, bytes], number: int, what: str) -> None:
        orders = (all_orders(*job)[number],)
        args = {
            "expire_training": ExpireTraining(orders),
            "end_training": EndTraining(orders),
            "end_pool": EndPool(job_of(*job)),
        }[what]
        self.world.code("nobody", f"market.{what}", args)

    @rule(home=st.sampled_from(HOMES), price=st.integers(0, 300), lasts_ms=st.sampled_from([0, 3_000]))
    def fund_service(self, home: str, price: int, lasts_ms: int) -> None:
        args = FundService(sha256(home.encode()), address("acme"), price, self.world.time_ms + lasts_ms)
        self.world.code(home, "service_escrow.fund_service", args)

    @rule(
        home=st.sampled_from(HOMES),
        sender=st.sampled_from(["acme", "acme", "bolt"]),
        what=st.sampled_from(["confirm", "decline", "expire"]),
    )
    def end_service(self, home: str, sender: str, what: str) -> None:
        order = sha256(home.encode())
        kinds: dict[str, Any] = {"confirm": ConfirmService, "decline": DeclineService, "expire": ExpireService}
        code = self.world.code(sender, f"service_escrow.{what}_service", kinds[what](address(home), order))
        assert code or what == "expire" or sender == "acme"

    @rule(ending=st.sampled_from(["none", "reject", "expire", "accept"]))
    def buy_a_copy(self, ending: str) -> None:
        self.count += 1
        self.world.code("bolt", "market.fund", fund_args(self.world, COPY, f"r{self.count}", "bolt"))
        order = order_id_of(COPY.lot_id, key_of(f"r{self.count}"))
        if ending == "reject":
            self.world.code(COPY.payee, "market.reject", Reject(order, "no"))
        elif ending == "expire":
            self.world.code("nobody", "market.expire", Expire(order))
        elif ending == "accept":
            self.world.code("bolt", "market.accept", Accept(order))

    @invariant()
    def the_escrow_is_what_is_open_on_it(self) -> None:
        state = self.world.state
        copies = sum(row.price for _, row in state.scan(ORDERS) if row.status not in ("SETTLED", "REFUNDED"))
        licences = sum(row.price - row.released for row in self.open())
        pools = sum(row.amount - row.paid for _, row in state.scan(POOLS) if row.status == "OPEN")
        services = sum(row.price for _, row in state.scan(MONEY) if row.status == "FUNDED")
        assert self.world.escrow() == copies + licences + pools + services
        counted = training_totals(state)
        assert (counted.escrow, counted.orders) == (licences + pools, len(self.open()))
        assert counted.waiting == sum(row.status == "FUNDED" for row in self.open())
        assert service_totals(state).escrow == services

    @invariant()
    def credits_are_conserved_and_each_side_has_what_the_rows_say(self) -> None:
        rows = [row for _, row in self.world.state.scan(TRAININGS)]
        bonuses = {key: row.amount for key, row in self.world.state.scan(BONUSES)}
        for lot in LOTS:
            own = [row for row in rows if row.lot_id == lot.lot_id]
            earned = sum(row.released - row.fee_within(row.released) for row in own)
            assert self.world.balance(lot.payee) == earned + sum(bonuses.get(row.order_id, 0) for row in own)
        pools = [row for _, row in self.world.state.scan(POOLS)]
        held = sum(row.released if row.status not in TRAININGS_OPEN else row.price for row in rows if self.is_of(row))
        held += sum(
            pool.paid if pool.status == "ENDED" else pool.amount for pool in pools if pool.buyer == address("acme")
        )
        services = [row for _, row in self.world.state.scan(MONEY)]
        income = sum(row.price - row.fee for row in services if row.status == "SETTLED")
        assert self.world.balance("acme") == FIRST_CREDITS - held + income
        everyone = [*BUYERS, *HOMES, OPERATOR, "treasury", COPY.payee, *(lot.payee for lot in LOTS)]
        assert sum(map(self.world.balance, everyone)) + self.world.escrow() == self.total == self.world.credits_total()

    @invariant()
    def what_ended_stays_as_it_is_and_no_pool_pays_more_than_it_has(self) -> None:
        for key, row in self.world.state.scan(TRAININGS):
            assert row.released <= row.price
            if row.status not in TRAININGS_OPEN:
                assert self.ended.setdefault(key, row) == row and row.outcome
        assert all(pool.paid <= pool.amount for _, pool in self.world.state.scan(POOLS))

    @invariant()
    def the_payees_window_and_the_expiry_never_overlap(self) -> None:
        for row in self.open():
            payee = next(lot.payee for lot in LOTS if lot.lot_id == row.lot_id)
            accept = self.would(payee, "market.accept_training", AcceptTraining(row.order_id))
            expire = self.would("nobody", "market.expire_training", ExpireTraining((row.order_id,)))
            assert accept + expire == (row.status == "FUNDED")

    def teardown(self) -> None:
        """Whatever happened, anyone ends everything once its deadline has passed, and then the escrow is empty."""
        if not hasattr(self, "world"):
            return
        self.world.block(10_000_000)
        for row in self.open():
            if row.status == "FUNDED":
                self.world.call("nobody", "market.expire_training", ExpireTraining((row.order_id,)))
            else:
                self.world.call("nobody", "market.end_training", EndTraining((row.order_id,)))
        for job, pool in list(self.world.state.scan(POOLS)):
            if pool.status == "OPEN":
                self.world.call("nobody", "market.end_pool", EndPool(job))
        for _, money in list(self.world.state.scan(MONEY)):
            if money.status == "FUNDED":
                args = ExpireService(money.payer, money.service_order)
                self.world.call("nobody", "service_escrow.expire_service", args)
        for _, order in list(self.world.state.scan(ORDERS)):
            if order.status == "FUNDED":
                self.world.call("nobody", "market.expire", Expire(order.order_id))
        assert self.world.escrow() == 0
        self.the_escrow_is_what_is_open_on_it()
        self.credits_are_conserved_and_each_side_has_what_the_rows_say()

    def open(self) -> list[TrainingRow]:
        return [row for _, row in self.world.state.scan(TRAININGS) if row.status in TRAININGS_OPEN]

    def is_of(self, row: TrainingRow) -> bool:
        return row.buyer == address("acme")

    def released(self, order: bytes) -> int:
        row = self.world.state.get(TRAININGS, order)
        return row.released if row else 0

    def would(self, sender: str, name: str, args: Any) -> bool:
        return not self.world.code(sender, name, args, keep=False)


TestLearningMachine = LearningMachine.TestCase
TestLearningMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
