"""Arrays from files that somebody else made: numbers only, nothing that could run, no more than the file holds."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fedlearn.runtime.errors import MockFileRefused

MAX_DIMENSIONS: Final = 4
_NUMBERS: Final = "biuf"


def array_of(name: str, data: bytes) -> NDArray[Any]:
    """The array in a ``.npy`` file, or the rows of a ``.csv`` file (with a heading) as float64, shape (rows, columns).

    Raises ``MockFileRefused`` for anything else, also for a ``.npy`` whose size is not what its head says: numpy would
    set aside whatever memory the head asks for.
    """
    if name.endswith(".npy"):
        return _npy(data)
    if name.endswith(".csv"):
        return _csv(data)
    raise MockFileRefused


def _npy(data: bytes) -> NDArray[Any]:
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, _, dtype = np.lib.format.read_array_header_2_0(file)
        else:
            raise MockFileRefused
    except (ValueError, TypeError, EOFError, SyntaxError) as fault:
        raise MockFileRefused from fault
    if dtype.kind not in _NUMBERS or len(shape) > MAX_DIMENSIONS or any(length < 0 for length in shape):
        raise MockFileRefused
    count = 1
    for length in shape:
        count *= length
    if count * dtype.itemsize != len(data) - file.tell():
        raise MockFileRefused
    file.seek(0)
    array: NDArray[Any] = np.load(file, allow_pickle=False)
    return array


def _csv(data: bytes) -> NDArray[np.float64]:
    try:
        heading, *rows = csv.reader(io.StringIO(data.decode("utf-8"), newline=""))
        values = np.array([[float(cell) for cell in row] for row in rows], dtype=np.float64)
    except (ValueError, csv.Error) as fault:
        raise MockFileRefused from fault
    if not rows:
        return np.empty((0, len(heading)), dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(heading):
        raise MockFileRefused
    return values
