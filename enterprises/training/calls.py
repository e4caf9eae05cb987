"""The calls of a job on the two ledgers, as rows of the wallet's outbox."""

from __future__ import annotations

from chain.core.types import Record
from enterprises.checkout.models import BuyerTransaction
from enterprises.checkout.outbox import job_call_queue
from enterprises.training.models import TrainingJob

State, Ledger = BuyerTransaction.State, BuyerTransaction.Ledger

REGISTER_PEER = "peers.register"
ROUND_KEYS = "peers.round_keys"
REGISTER_SERVICE = "service_models.service_register"
FUND = "market.fund_training"
OPEN = "service_models.job_open"
ROUND = "service_models.round"
VERSION = "service_models.version"
END = "service_models.job_end"
CLOSE = "market.close_training"
EXPIRE = "market.expire_training"
END_TRAINING = "market.end_training"
END_POOL = "market.end_pool"


def call(job: TrainingJob, name: str, args: Record, key: str = "") -> BuyerTransaction:
    """Have the wallet make a call for the job, once for each key; which ledger follows from the contract."""
    ledger = Ledger.SHARED if name.startswith("market.") else Ledger.MODELS
    return job_call_queue(job=job, ledger=ledger, call=name, args=args, key=key)


def call_of(job: TrainingJob, name: str, key: str = "") -> BuyerTransaction | None:
    """The call of this name and key, if there is one."""
    return BuyerTransaction.objects.filter(job=job, call=name, key=key).first()


def calls_of(job: TrainingJob, name: str) -> list[BuyerTransaction]:
    """All calls of this name, in the order in which they were queued."""
    return list(BuyerTransaction.objects.filter(job=job, call=name).order_by("pk"))


def waits(row: BuyerTransaction) -> bool:
    """Whether it is not known yet what becomes of the call."""
    return row.state in (State.QUEUED, State.SIGNED)


def went_through(row: BuyerTransaction) -> bool:
    """Whether the ledger has done what was called."""
    return row.state == State.FINAL and not row.code


def refusal_of(row: BuyerTransaction) -> str:
    """The code with which the ledger refused the call, empty if it did not."""
    return row.code if row.state in (State.FINAL, State.DROPPED) else ""
