"""REST of the cloud store: PUT (whole or in stretches), GET with Range, DELETE by the secret; all by participants.

Hubs store sealed lots under random ids, accredited organisations model files under the SHA-256 of their bytes.

Headers of PUT: ``Content-Range: bytes 0-65535/200000`` for a stretch, ``X-Object-Sha256`` for the hash of the whole
object, ``X-Deletion-Digest`` for the SHA-256 of the secret that DELETE must show in ``X-Deletion-Secret``.
"""

from __future__ import annotations

import re
from typing import IO, Any, cast

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from enterprises.catalog import objects
from enterprises.catalog.cells import cell_home_record
from enterprises.catalog.models import StoredObject
from enterprises.errors import ObjectRangeWrong
from enterprises.offers.shelf import object_admit
from enterprises.partners.authentication import IsParticipant, MarketTokenAuthentication, Participant, caller_of
from enterprises.streaming import BlockResponse
from enterprises.throttles import MarketWrites
from marketplace.common.errors import InputError

CONTENT_RANGE = re.compile(r"bytes (\d{1,12})-(\d{1,12})/(\d{1,12})")
RANGE = re.compile(r"bytes=(\d{0,12})-(\d{0,12})")
OCTETS = "application/octet-stream"


class Octets(BaseParser):
    """Leaves the body as a stream, so that an object is never whole in memory."""

    media_type = OCTETS

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream


def _header(name: str, description: str, required: bool = False) -> OpenApiParameter:
    return OpenApiParameter(name, OpenApiTypes.STR, OpenApiParameter.HEADER, required=required, description=description)


class ObjectView(APIView):
    """One object of the store: a sealed lot, a model file or its card. For any participant."""

    authentication_classes = (MarketTokenAuthentication,)
    parser_classes = (Octets,)
    throttle_classes = (MarketWrites,)
    permission_classes = (IsParticipant,)

    @extend_schema(
        request={OCTETS: OpenApiTypes.BINARY},
        responses=OpenApiTypes.OBJECT,
        parameters=[
            _header("X-Object-Sha256", "SHA-256 of the whole object, hexadecimal", required=True),
            _header("X-Deletion-Digest", "SHA-256 of the secret with which the object can be deleted"),
            _header("Content-Range", "which stretch of the object this is"),
            OpenApiParameter("cell", OpenApiTypes.STR, description="the home's cell, to be counted"),
        ],
    )
    def put(self, request: Request, object_id: str) -> Response:
        length, offset, size = _extent(request)
        arrival = objects.Arrival(
            size_bytes=size,
            sha256=request.headers.get("X-Object-Sha256", "").lower(),
            deletion_digest=request.headers.get("X-Deletion-Digest", "").lower(),
            offset=offset,
        )
        self._admit(caller_of(request), object_id, arrival.sha256, request.query_params.get("cell", ""))
        stream = cast(IO[bytes], request.data)
        row = objects.object_put(object_id=object_id, arrival=arrival, stream=stream, length=length)
        stored = row.state == StoredObject.State.STORED
        body = {"object_id": object_id, "stored": stored, "received": objects.object_received(object_id)}
        return Response(body, status=201 if stored else 202)

    def _admit(self, caller: Participant, object_id: str, sha256: str, cell: str) -> None:
        if caller.organisation is not None:
            object_admit(organisation=caller.organisation, object_id=object_id, sha256=sha256)
        elif caller.hub is not None and cell:
            cell_home_record(hub=caller.hub, cell=cell)

    @extend_schema(responses={(200, OCTETS): OpenApiTypes.BINARY, (206, OCTETS): OpenApiTypes.BINARY})
    def get(self, request: Request, object_id: str) -> HttpResponseBase:
        bounds = _range(request)
        start, stop = (0, None) if bounds is None else bounds
        if start < 0:
            row, _ = objects.object_open(object_id)
            start, stop = max(0, row.size_bytes + start), None
        row, blocks = objects.object_open(object_id, start, stop)
        end = row.size_bytes if stop is None else min(stop, row.size_bytes)
        answer = BlockResponse(blocks, status=200 if bounds is None else 206, content_type=OCTETS)
        answer["Content-Length"] = str(end - start)
        answer["Accept-Ranges"] = "bytes"
        answer["ETag"] = f'"{row.sha256}"'
        if bounds is not None:
            answer["Content-Range"] = f"bytes {start}-{end - 1}/{row.size_bytes}"
        return answer

    @extend_schema(responses={204: None}, description="How far an upload has come, in X-Received.")
    def head(self, request: Request, object_id: str) -> Response:
        return Response(status=204, headers={"X-Received": str(objects.object_received(object_id))})

    @extend_schema(responses={204: None}, parameters=[_header("X-Deletion-Secret", "the secret of the upload", True)])
    def delete(self, request: Request, object_id: str) -> Response:
        objects.object_delete(object_id=object_id, secret=request.headers.get("X-Deletion-Secret", ""))
        return Response(status=204)


def _extent(request: Request) -> tuple[int, int, int]:
    """Length and offset of what follows, and the size of the whole object."""
    if (request.content_type or "").split(";")[0] != OCTETS:
        raise UnsupportedMediaType(request.content_type or "")
    try:
        length = int(request.headers.get("Content-Length", ""))
    except ValueError:
        raise InputError("The length of an upload must be announced.") from None
    header = request.headers.get("Content-Range")
    if header is None:
        return length, 0, length
    match = CONTENT_RANGE.fullmatch(header)
    if match is None:
        raise ObjectRangeWrong("Content-Range must be bytes FIRST-LAST/SIZE.")
    first, last, size = (int(number) for number in match.groups())
    if last - first + 1 != length:
        raise ObjectRangeWrong("Content-Range and Content-Length disagree.")
    return length, first, size


def _range(request: Request) -> tuple[int, int | None] | None:
    """``start, stop`` of a single range; a negative start counts from the end; None without (or with many) ranges."""
    header = request.headers.get("Range", "")
    match = RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        return -int(last), None
    return int(first), int(last) + 1 if last else None
