"""What an enterprise and a hub say to each other about a job besides its rounds.

    offers/in/JOB            to a hub: which job it is, ``JobOffer``
    offers/out/JOB           its answer: the lots that it offers, ``LotsOffer``
    jobs/JOB/in/0/terms      to the hubs that take part: ``JobTerms``
    offers/in/release.JOB.N  the call that pays the hub's licences for round N, ``market.release_round``'s arguments
    offers/in/bonus.JOB      the call that pays its share of the bonus, ``market.claim_bonus``'s arguments

A mock is a dataset named after the task, with a file for each array of a ``Table``.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from chain.core.types import Hash, Record, Uint
from fedlearn.learners.errors import TableInvalid
from fedlearn.learners.table import Table
from fedlearn.learners.templates import template
from fedlearn.runtime.names import offer_path

LOTS_MAX: Final = 64
TERMS: Final = "terms"
FILES: Final = ("x.npy", "y.npy", "times_ms.npy", "baseline.npy")


class JobOffer(Record):
    """The job that an enterprise is about to open; its id follows from address, plan and nonce."""

    job: Hash
    plan: bytes
    nonce: Hash


class LotsOffer(Record):
    """The lots with a training licence that a hub offers to a job; without lots it takes no part after all.

    ``rows`` is how many rows its training table has.
    """

    job: Hash
    lots: Annotated[tuple[Hash, ...], msgspec.Meta(max_length=LOTS_MAX)]
    rows: Uint = 0


def offer_to_hub(job: str) -> str:
    """The path of a ``JobOffer``; ``job`` is hexadecimal."""
    return offer_path("in", job)


def offer_of_hub(job: str) -> str:
    """The path of a ``LotsOffer``."""
    return offer_path("out", job)


def release_path(job: str, number: int) -> str:
    """The path of the call that pays for a round."""
    return offer_path("in", f"release.{job}.{number}")


def bonus_path(job: str) -> str:
    """The path of the call that pays a share of the bonus."""
    return offer_path("in", f"bonus.{job}")


def mock_name(task: str) -> str:
    """The name of the dataset that holds the table of a task."""
    return task


def mock_files(table: Table) -> dict[str, NDArray[Any]]:
    """The arrays of a table by file name."""
    return {"x.npy": table.x, "y.npy": table.y, "times_ms.npy": table.times_ms, "baseline.npy": table.baseline}


def mock_table(task: str, arrays: dict[str, NDArray[Any]]) -> Table:
    """The table that a mock holds. Raises ``TemplateUnknown``, ``TableInvalid``."""
    names = template(task).names
    try:
        x, y, times_ms, baseline = (arrays[name] for name in FILES)
    except KeyError as fault:
        raise TableInvalid from fault
    rows = len(y)
    if x.shape != (rows, len(names)) or y.ndim != 1 or times_ms.shape != y.shape or baseline.shape != y.shape:
        raise TableInvalid
    if not all(np.isfinite(array).all() for array in (x, y, baseline)):
        raise TableInvalid
    return Table(
        x=x.astype(np.float64),
        y=y.astype(np.float64),
        times_ms=times_ms.astype(np.int64),
        baseline=baseline.astype(np.float64),
        names=names,
    )
