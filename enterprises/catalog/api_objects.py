"""REST of the cloud store: PUT (whole or in stretches) by hubs, GET with Range by participants, DELETE by the secret.

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
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from enterprises.catalog import objects
from enterprises.catalog.cells import cell_home_record
from enterprises.catalog.models import StoredObject
from enterprises.errors import ObjectRangeWrong
from enterprises.partners.authentication import IsHub, IsParticipant, MarketTokenAuthentication, hub_of
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
    """One sealed object. PUT and DELETE: hubs; GET and HEAD: any participant."""

    authentication_classes = (MarketTokenAuthentication,)
    parser_classes = (Octets,)
    throttle_classes = (MarketWrites,)

    def get_permissions(self) -> list[BasePermission]:
        return [IsHub()] if self.request.method in ("PUT", "DELETE") else [IsParticipant()]

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
        if cell := request.query_params.get("cell", ""):
            cell_home_record(hub=hub_of(request), cell=cell)
        stream = cast(IO[bytes], request.data)
        row = objects.object_put(object_id=object_id, arrival=arrival, stream=stream, length=length)
        stored = row.state == StoredObject.State.STORED
        body = {"object_id": object_id, "stored": stored, "received": objects.object_received(object_id)}
        return Response(body, status=201 if stored else 202)

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
