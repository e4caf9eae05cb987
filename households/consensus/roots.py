"""What a voter recomputes of each lot: the desensitised rows, their chunks, both roots, and what is said of the rows.

Protocols.md 1 and 2. Hub and voters run the same functions, so a manifest says what was voted on, or the buyer's check
refuses it.
"""

from __future__ import annotations

from collections.abc import Sequence

from chain.consensus.ballot import PlainRoot
from chain.exchange.manifest import SeriesFacts, facts_hash
from chain.exchange.rows import Row, batch_root, batch_salt, chunk_count_for, chunk_read, data_chunks, plain_root
from households.consensus.batch import BatchTerms, LotTerms
from households.consensus.series import Series
from households.privacy.levels import SCHEMA, Rule, cell_check, columns_of, model_class, rule_decode
from households.privacy.transforms import desensitise


def series_chunks(series: Series, rule: bytes, batch_seed: bytes) -> list[bytes]:
    """The plaintexts of a series' data chunks, the same at hub and voters. Raises ``RuleInvalid`` or
    ``RowsInvalid``."""
    decoded = rule_decode(rule)
    readings = zip(series.times_ms.tolist(), series.values.tolist(), strict=True)
    rows = desensitise(readings, decoded, batch_seed=batch_seed, series_id=series.series_id)
    columns = columns_of(decoded)
    return data_chunks(rows, columns, chunk_count_for(rows, columns))


def chunk_rows(chunks: Sequence[bytes]) -> list[Row]:
    """The rows in a series' chunks."""
    return [row for chunk in chunks for row in chunk_read(chunk).rows]


def lot_facts(rule: Rule, rows: Sequence[Row], terms: BatchTerms) -> SeriesFacts:
    """What a lot's manifest says of its rows: by the owner's rule, the rows themselves and the batch's terms.

    Raises ``PlaceInvalid`` if the terms' cell is none of the grid.
    """
    return SeriesFacts(
        device_class=rule.device_class,
        quantity=rule.quantity,
        model=model_class(rule.device_class),
        level=rule.level,
        cell=cell_check(terms.cell),
        resolution_s=rule.bucket_s,
        step=rule.step,
        low=rule.low,
        high=rule.high,
        noise_steps=rule.noise_steps,
        period_start_ms=rows[0][0],
        period_end_ms=rows[-1][0] + rule.bucket_s * 1000,
        record_count=len(rows),
        limits="own" if terms.limits else "default",
    )


def series_roots(series: Series, lot: LotTerms, terms: BatchTerms, comparable: Sequence[bytes]) -> PlainRoot:
    """The roots of one series under the lot's salts and under the batch's, and the hash of what is said of it.

    ``comparable`` are the keys that ``Membership.speakers`` gives. Raises as ``series_chunks`` and ``lot_facts``, and
    ``ChunksInvalid`` if the salts are not as many as the chunks.
    """
    rule = rule_decode(lot.rule)
    chunks = series_chunks(series, lot.rule, terms.seed)
    facts = lot_facts(rule, chunk_rows(chunks), terms)
    signed = facts_hash(series.series_id, SCHEMA, columns_of(rule), facts, comparable)
    return _roots(series.series_id, lot, terms.seed, chunks, signed)


def salted_roots(series: Series, lot: LotTerms, batch_seed: bytes, facts: bytes) -> PlainRoot:
    """The roots of a series that is sealed again: new salts, and the hash of facts that stands. Raises as
    ``series_chunks``, and ``ChunksInvalid``."""
    return _roots(series.series_id, lot, batch_seed, series_chunks(series, lot.rule, batch_seed), facts)


def _roots(series_id: bytes, lot: LotTerms, batch_seed: bytes, chunks: list[bytes], facts: bytes) -> PlainRoot:
    return PlainRoot(
        series_id=series_id,
        plain_root=plain_root(lot.salts, chunks),
        batch_root=batch_root(batch_salt(batch_seed, series_id), chunks),
        facts=facts,
    )
