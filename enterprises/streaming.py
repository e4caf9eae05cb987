"""Answers whose bytes are made or read block by block, by code that waits for disks."""

from __future__ import annotations

from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse


class BlockResponse(StreamingHttpResponse):
    """Sends an ordinary iterator of bytes; under ASGI each block is read in the request's thread when it is wanted.

    Django would read the whole iterator into memory there first, and warn of it.
    """

    async def __aiter__(self) -> AsyncIterator[bytes]:
        blocks = iter(self.streaming_content)  # type: ignore[arg-type]  # never asynchronous here
        following = sync_to_async(lambda: next(blocks, None))
        while (block := await following()) is not None:
            yield block
