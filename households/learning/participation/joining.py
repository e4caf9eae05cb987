"""From a yes to being acquainted: the pseudonym on the ledger, the answer at the board, the peer, the dataset."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray

from chain.contracts.peers import RegisterPeer
from chain.wallets.signer import Signer
from fedlearn.learners.table import NotSuited, Table
from fedlearn.learners.templates import template
from fedlearn.runtime.files import private_folder
from fedlearn.runtime.offers import LOTS_MAX, mock_files, mock_name
from households.learning.consent import decision
from households.learning.participation.home import (
    HOME,
    State,
    enterprise_in,
    folder_of,
    job_cost,
    job_key_of,
    keep,
    move,
    node_opened,
    plan_of,
    pseudonym_of,
    question_of,
    tell_once,
)
from households.learning.participation.leaving import leave_begin
from households.learning.participation.notices import lots_of_task
from households.learning.participation.port import Connection, HomeNode
from households.learning.source import mock_series_of, table_of, utc_offset_min
from households.models import Participation
from households.uploads.services.sending import require_done
from marketplace.common.errors import HearthError
from marketplace.common.work import renew, wait

LOOK_AGAIN_S = 1.0
SILENCE_MAX = timedelta(days=7)
SAMPLE_ROWS = 672
CLOSED = ("notice_closed", "notice_unknown")
SILENT = "enterprise_silent"
MADE_UP = "made-up rows: this home's sample is too short"
SAMPLE = "a coarse sample of this home's rows"


def answer_step(row: Participation, connection: Connection) -> None:
    """Register the pseudonym with the market and on the ledger, then answer the notice."""
    key, plan_hash = pseudonym_of(row), bytes(row.plan_hash)
    if not row.pseudonym:
        keep(row, pseudonym=key.address)
    with node_opened(row, connection) as node:
        fingerprint = bytes.fromhex(node.fingerprint)
        if not row.bundle:
            keep(row, bundle=node.bundle())
    try:
        connection.board.pseudonym_register(key.secret)
        args = RegisterPeer(channel=fingerprint, job_key=job_key_of(row).public_key)
        renew(row, using=HOME)
        require_done(tell_once(row, "register_raw", connection.models, Signer(key.secret), "peers.register", args))
        connection.board.answer(plan_hash, key.address, bytes(row.bundle))
    except HearthError as refusal:
        if refusal.code not in CLOSED:
            raise
        move(row, State.FAILED, code=refusal.code)
        return
    move(row, State.ANSWERED, again_in_s=LOOK_AGAIN_S)


def peer_step(row: Participation, connection: Connection) -> None:
    """Say yes to the enterprise that posted the notice, and to nobody else; then give it the dataset's mock."""
    if timezone.now() > row.closes_at + SILENCE_MAX:
        move(row, State.FAILED, code=SILENT)
        return
    with node_opened(row, connection) as node:
        if not node.approve(enterprise_in(row)):
            wait(row, using=HOME, seconds=LOOK_AGAIN_S)
            return
        if not dataset_give(row, node):
            leave_begin(row, "no_suitable_data")
            return
    move(row, State.PEERED, again_in_s=LOOK_AGAIN_S)


def dataset_give(row: Participation, node: HomeNode) -> bool:
    """Make the home's training table a dataset whose mock the enterprise gets; False if there is no table any more."""
    plan, now, household = plan_of(row), timezone.now(), row.household
    answer = decision(household, question_of(row, micro=job_cost(plan)), now)
    chosen, classes = template(plan.task), answer.classes
    lots = lots_of_task(household, plan.task, classes, limit=LOTS_MAX)
    renew(row, using=HOME)
    table = table_of(household, chosen, [bytes(lot.lot_id) for lot in lots], classes, now)
    if isinstance(table, NotSuited):
        return False
    # Never more than half of a lot, so that the sample does not give away what the licence is paid for.
    rows = min(SAMPLE_ROWS, min(lot.record_count for lot in lots) // 2)
    mock = chosen.build(mock_series_of(household, classes, rows=rows), utc_offset_min(household, now)) if rows else None
    summary = SAMPLE
    if mock is None or isinstance(mock, NotSuited):
        mock, summary = chosen.mock(np.random.default_rng(plan.seed)), MADE_UP
    aside = folder_of(row) / "dataset"
    try:
        private = _written(aside / "private", table)
        node.dataset_give(mock_name(plan.task), _written(aside / "mock", mock), private, summary, enterprise_in(row))
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return True


def _written(folder: Path, table: Table) -> Path:
    arrays: Mapping[str, NDArray[Any]] = mock_files(table)
    shutil.rmtree(folder, ignore_errors=True)
    private_folder(folder.parent)
    private_folder(folder)
    for name, array in arrays.items():
        with (folder / name).open("wb") as out:
            np.save(out, array, allow_pickle=False)
    return folder
