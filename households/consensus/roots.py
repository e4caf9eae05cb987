"""What a voter recomputes of each lot: the desensitised rows, their chunks, and both roots (protocols.md 1 and 2)."""

from __future__ import annotations

from chain.consensus.ballot import PlainRoot
from chain.exchange.rows import batch_root, batch_salt, chunk_count_for, data_chunks, plain_root
from households.consensus.batch import LotTerms
from households.consensus.series import Series
from households.privacy.levels import columns_of, rule_decode
from households.privacy.transforms import desensitise


def series_chunks(series: Series, rule: bytes, batch_seed: bytes) -> list[bytes]:
    """The plaintexts of a series' data chunks, the same at hub and voters. Raises ``RuleInvalid`` or
    ``RowsInvalid``."""
    decoded = rule_decode(rule)
    readings = zip(series.times_ms.tolist(), series.values.tolist(), strict=True)
    rows = desensitise(readings, decoded, batch_seed=batch_seed, series_id=series.series_id)
    columns = columns_of(decoded)
    return data_chunks(rows, columns, chunk_count_for(rows, columns))


def series_roots(series: Series, lot: LotTerms, batch_seed: bytes) -> PlainRoot:
    """The roots of one series under the lot's salts and under the batch's. Raises as ``series_chunks``, and
    ``ChunksInvalid`` if the salts are not as many as the chunks."""
    chunks = series_chunks(series, lot.rule, batch_seed)
    return PlainRoot(
        series_id=series.series_id,
        plain_root=plain_root(lot.salts, chunks),
        batch_root=batch_root(batch_salt(batch_seed, series.series_id), chunks),
    )
