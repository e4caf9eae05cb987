"""What groups added to the model: Shapley values over the loss on the mocks, where groups were opened apart."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from chain.contracts.crossing import MICRO
from chain.core.codec import encode
from enterprises.training.mocks import tables_of
from enterprises.training.ports import Post
from fedlearn.learners.families import family
from fedlearn.learners.rehearsal import joined
from fedlearn.learners.table import Floats
from fedlearn.protocol import server_state as at
from fedlearn.protocol.server_unmask import server_openable, server_sum
from fedlearn.protocol.shapley import gains, shapley
from fedlearn.runtime.jobs import JobRecord
from fedlearn.runtime.jobs.hub import layout_of
from fedlearn.runtime.jobs.terms import TRAIN
from marketplace.common.errors import HearthError


def worth_of(post: Post, before: JobRecord) -> dict[str, float]:
    """What each place of the cohort added in the round that is about to end, by its group's value.

    ``before`` is the record in which all groups can be opened. Empty without groups, or without a mock to measure on.
    """
    terms, plan = before.terms, before.terms.declared
    if len(before.cells) < 2 or before.kind != TRAIN:
        return {}
    tables = tables_of(post, plan.task, terms.peers)
    means: list[Floats] = []
    groups: list[list[int]] = []
    for cell in before.cells:
        server = cell.round.server
        if server.stage != at.UNMASK or not server_openable(server):
            return {}
        trained = [cell.cell[index] for index in cell.round.survivors]
        learnt = sum(place not in terms.held_out for place in trained)
        total = layout_of(encode(terms), cell.cell, TRAIN).opened(server_sum(server)).update
        means.append(total / max(1, learnt))
        groups.append(trained)
    if not tables:
        return {}
    test, chosen = joined(tables), family(plan.family)
    shape = chosen.shape(plan)
    try:
        value = gains(lambda at_: chosen.loss(at_, test.x, test.y, shape), before.parameters, np.stack(means))
        values = shapley(value, len(groups), np.random.default_rng(plan.seed))
    except HearthError:
        return {}
    return {
        str(place): found / len(group) for found, group in zip(values, groups, strict=True) for place in group if group
    }


def shares_of(worths: Iterable[dict[str, float]], survived: Iterable[int]) -> dict[int, int]:
    """Each home's share of the bonus in millionths: by what it added over all rounds, or equal where nothing is known.

    ``survived``: the places of homes that were in a sum at least once; the others have no share.
    """
    places = sorted(set(survived))
    if not places:
        return {}
    total = dict.fromkeys(places, 0.0)
    for worth in worths:
        for place, value in worth.items():
            if int(place) in total:
                total[int(place)] += value
    good = {place: max(0.0, value) for place, value in total.items()}
    whole = sum(good.values())
    if whole <= 0:
        return {place: MICRO // len(places) for place in places}
    return {place: int(MICRO * value / whole) for place, value in good.items() if value > 0}
