"""A process that checks signatures: batches come on its standard input, answers go to its standard output.

A batch is a count in four bytes and, for each, public key (33), digest (32) and signature (64); the answer is one byte
for each, 1 or 0. It ends when its input ends, so it never outlives the process that started it. Run as
``python -m chain.node.verify_worker``.
"""

from __future__ import annotations

import signal
import sys
from typing import BinaryIO, Final

from chain.crypto.secp256k1 import verify

ITEM_BYTES: Final = 33 + 32 + 64
COUNT_BYTES: Final = 4


def answer(batch: bytes) -> bytes:
    """One byte for each item of the batch."""
    return bytes(
        verify(batch[at : at + 33], batch[at + 33 : at + 65], batch[at + 65 : at + ITEM_BYTES])
        for at in range(0, len(batch), ITEM_BYTES)
    )


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer batches until the source ends."""
    while True:
        head = source.read(COUNT_BYTES)
        if len(head) < COUNT_BYTES:
            return
        size = int.from_bytes(head, "big") * ITEM_BYTES
        batch = source.read(size)
        if len(batch) < size:
            return
        sink.write(answer(batch))
        sink.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(sys.stdin.buffer, sys.stdout.buffer)
