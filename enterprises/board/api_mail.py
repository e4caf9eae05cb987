"""REST of the mailboxes: what lies in one, and one object: PUT by its sender, GET by its recipient, DELETE by both.

``X-Object-Sha256`` of PUT is the SHA-256 of the body, so that a body which was cut off on its way is not taken.
"""

from __future__ import annotations

from typing import IO, Any, cast

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response

from enterprises.board import mail
from enterprises.board.api import BoardView, number_of, query
from enterprises.board.errors import MailObjectTooLarge
from enterprises.board.models import MailObject
from enterprises.catalog.api_objects import OCTETS, Octets
from enterprises.partners.authentication import caller_of
from enterprises.throttles import Mail
from marketplace.common.errors import InputError

PAGE_MAX = 1000
_BYTES_MAX = 2**40


class MailOut(serializers.ModelSerializer[MailObject]):
    """What is known of an object without reading it."""

    class Meta:
        model = MailObject
        fields = ("sender", "name", "size_bytes", "sha256", "created_at", "expires_at")


class Mailbox(BoardView):
    """What lies in a mailbox, a kind at a time, in the order of sender and name. Who bears the recipient's pseudonym.

    Who bears the pseudonym of ``sender`` sees what it left there itself.
    """

    def get_throttles(self) -> list[Any]:
        return [Mail()]

    @extend_schema(
        operation_id="market_mailbox_list",
        responses=inline_serializer(
            "MailPage", {"results": MailOut(many=True), "next": serializers.CharField(allow_null=True)}
        ),
        parameters=[
            query("kind", OpenApiTypes.STR, "mail (without it too), request or bundle"),
            query("sender", OpenApiTypes.STR, "only what is from this address"),
            query("after", OpenApiTypes.STR, "sender/name of the last object that is known"),
            query("limit", OpenApiTypes.INT, f"at most so many, up to {PAGE_MAX}"),
        ],
    )
    def get(self, request: Request, recipient: str) -> Response:
        limit = max(1, number_of(request, "limit", PAGE_MAX, PAGE_MAX))
        found = mail.mail_list(
            owner=caller_of(request).owner,
            recipient=recipient,
            kind=request.query_params.get("kind", MailObject.Kind.LETTER),
            sender=request.query_params.get("sender", ""),
            after=request.query_params.get("after", ""),
            limit=limit + 1,
        )
        last = found[limit - 1] if len(found) > limit else None
        following = f"{last.sender}/{last.name}" if last else None
        return Response({"results": MailOut(found[:limit], many=True).data, "next": following})


class MailDetail(BoardView):
    """One object of a mailbox; ``name`` is 16 digits, or ``request`` or ``bundle``. Hubs and organisations."""

    parser_classes = (Octets,)

    def get_throttles(self) -> list[Any]:
        return [Mail()]

    @extend_schema(
        request={OCTETS: OpenApiTypes.BINARY},
        responses={201: MailOut},
        parameters=[
            OpenApiParameter(
                "X-Object-Sha256", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True,
                description="SHA-256 of the body, hexadecimal",
            )
        ],
    )  # fmt: skip
    def put(self, request: Request, recipient: str, sender: str, name: str) -> Response:
        row = mail.mail_put(
            owner=caller_of(request).owner,
            key=mail.MailKey(recipient, sender, name),
            data=_body(request),
            digest=request.headers.get("X-Object-Sha256", "").lower(),
        )
        return Response(MailOut(row).data, status=201)

    @extend_schema(
        responses={(200, OCTETS): OpenApiTypes.BINARY},
        parameters=[query("max_bytes", OpenApiTypes.INT, "refuse an object that is larger")],
    )
    def get(self, request: Request, recipient: str, sender: str, name: str) -> HttpResponse:
        row, data = mail.mail_open(
            owner=caller_of(request).owner,
            key=mail.MailKey(recipient, sender, name),
            max_bytes=number_of(request, "max_bytes", _BYTES_MAX, _BYTES_MAX),
        )
        return HttpResponse(data, content_type=OCTETS, headers={"ETag": f'"{row.sha256}"'})

    @extend_schema(responses={204: None})
    def delete(self, request: Request, recipient: str, sender: str, name: str) -> Response:
        mail.mail_delete(owner=caller_of(request).owner, key=mail.MailKey(recipient, sender, name))
        return Response(status=204)


def _body(request: Request) -> bytes:
    """The whole body, whose length was announced; one that is too long is refused unread."""
    if (request.content_type or "").split(";")[0] != OCTETS:
        raise UnsupportedMediaType(request.content_type or "")
    try:
        length = int(request.headers.get("Content-Length", ""))
    except ValueError:
        raise InputError("The length of an object must be announced.") from None
    if length > mail.mail_max_bytes():
        raise MailObjectTooLarge(f"An object holds at most {mail.mail_max_bytes()} bytes.")
    return cast(IO[bytes], request.data).read(length) if length > 0 else b""
