"""REST of the board: pseudonyms, notices, answers. Bearers of a market token only."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from enterprises.board import notices, pseudonyms, selectors
from enterprises.board.models import NoticeAnswer, TrainingNotice
from enterprises.board.plans import PLAN_MAX_BYTES
from enterprises.partners.api import HexField, ProofIn
from enterprises.partners.authentication import (
    IsHub,
    IsOrganisation,
    IsParticipant,
    MarketTokenAuthentication,
    caller_of,
    hub_of,
    organisation_of,
)
from enterprises.throttles import MarketReads, MarketWrites, Registrations
from marketplace.common.errors import InputError

PAGE, PAGE_MAX = 50, 200
NUMBER_MAX = 2**63 - 1


class PseudonymOut(serializers.Serializer[Any]):
    address = serializers.CharField()


class NoticeIn(serializers.Serializer[Any]):
    """``plan``: the bytes of the plan, hexadecimal."""

    plan = serializers.CharField(max_length=2 * PLAN_MAX_BYTES)
    purpose = serializers.CharField(max_length=500)
    device_classes = serializers.ListField(child=serializers.CharField(max_length=64), max_length=notices.CLASSES_MAX)
    closes_at = serializers.DateTimeField()


class NoticeOut(serializers.ModelSerializer[TrainingNotice]):
    """``number`` rises, ``template`` is the plan's task, ``enterprise`` the address to which a hub writes."""

    number = serializers.IntegerField(source="pk")
    enterprise = serializers.CharField(source="organisation.address")
    enterprise_name = serializers.CharField(source="organisation.name")
    open = serializers.SerializerMethodField()

    class Meta:
        model = TrainingNotice
        fields = (
            "number", "plan_hash", "enterprise", "enterprise_name", "template", "purpose", "device_classes", "open",
            "closes_at", "created_at",
        )  # fmt: skip

    def get_open(self, row: TrainingNotice) -> bool:
        return notices.is_open(row)


class WholeNoticeOut(NoticeOut):
    """With the bytes of the plan, hexadecimal."""

    plan = serializers.SerializerMethodField()

    class Meta(NoticeOut.Meta):
        fields = (*NoticeOut.Meta.fields, "plan")  # type: ignore[assignment]

    def get_plan(self, row: TrainingNotice) -> str:
        return bytes(row.plan).hex()


class NoticeAnswerIn(serializers.Serializer[Any]):
    """``bundle``: the pseudonym's public keys as its library writes them, hexadecimal."""

    address = HexField(20)
    bundle = serializers.CharField(max_length=2 * notices.BUNDLE_MAX_BYTES)


class NoticeAnswerOut(serializers.Serializer[NoticeAnswer]):
    number = serializers.IntegerField(source="pk")
    address = serializers.CharField(source="pseudonym.address")
    public_key = serializers.CharField(source="pseudonym.public_key")
    bundle = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_bundle(self, row: NoticeAnswer) -> str:
        return bytes(row.bundle).hex()


def page_schema(name: str, of: type[serializers.BaseSerializer[Any]]) -> Any:
    """``results`` in the order of their numbers, and ``next``: what to give as ``after`` for the rest, or null."""
    return inline_serializer(name, {"results": of(many=True), "next": serializers.IntegerField(allow_null=True)})


def number_of(request: Request, name: str, default: int, most: int = NUMBER_MAX) -> int:
    """A query parameter that is a number from 0 (``after``) or 1 (``limit``) up to ``most``."""
    text = request.query_params.get(name, str(default))
    if not text.isascii() or not text.isdecimal() or len(text) > 19:
        raise InputError(f"{name} must be a number.")
    return min(int(text), most)


def query(name: str, kind: Any, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=description)


AFTER = query("after", OpenApiTypes.INT, "only what has a number above this one")
LIMIT = query("limit", OpenApiTypes.INT, f"at most so many, up to {PAGE_MAX}")


def _page(request: Request, rows: Any, serializer: type[serializers.BaseSerializer[Any]]) -> Response:
    limit = max(1, number_of(request, "limit", PAGE, PAGE_MAX))
    found = list(rows[: limit + 1])
    following = found[limit - 1].pk if len(found) > limit else None
    return Response({"results": serializer(found[:limit], many=True).data, "next": following})


def _valid(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def _bytes(text: str, name: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise InputError(f"{name} must be hexadecimal digits.") from None


class BoardView(APIView):
    """For bearers of a market token: a class of permission for each method."""

    authentication_classes = (MarketTokenAuthentication,)
    allowed: dict[str, Any] = {}

    def get_permissions(self) -> list[Any]:
        return [self.allowed.get(self.request.method or "", IsParticipant)()]

    def get_throttles(self) -> list[Any]:
        return [MarketReads() if self.request.method == "GET" else MarketWrites()]


class Pseudonyms(BoardView):
    """Register a pseudonym by its key: a challenge of ``challenges``, signed. Hubs and organisations.

    The key signs SHA-256("hearth/pseudonym" | challenge | public key | SHA-256 of the caller's token), tagged.
    """

    def get_throttles(self) -> list[Any]:
        return [Registrations()]

    @extend_schema(request=ProofIn, responses={201: PseudonymOut})
    def post(self, request: Request) -> Response:
        row = pseudonyms.pseudonym_register(token=caller_of(request).token, **_valid(ProofIn, request))
        return Response(PseudonymOut(row).data, status=201)


class PseudonymDetail(BoardView):
    """Remove one's own pseudonym with its answer and its mailbox; repeating it is no error. Hubs and organisations."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, address: str) -> Response:
        pseudonyms.pseudonym_leave(owner=caller_of(request).owner, address=address)
        return Response(status=204)


class Notices(BoardView):
    """The notices, oldest first, without their plans (hubs and organisations); post one (accredited organisations)."""

    allowed = {"POST": IsOrganisation}

    @extend_schema(
        operation_id="market_training_notices_list",
        responses=page_schema("Notices", NoticeOut),
        parameters=[
            query("open", OpenApiTypes.INT, "1: only those that take answers"),
            query("template", OpenApiTypes.STR, "only those with this template"),
            AFTER,
            LIMIT,
        ],
    )
    def get(self, request: Request) -> Response:
        rows = selectors.notices(
            only_open=request.query_params.get("open") == "1",
            template=request.query_params.get("template", ""),
            after=number_of(request, "after", 0),
        )
        return _page(request, rows, NoticeOut)

    @extend_schema(request=NoticeIn, responses={201: WholeNoticeOut})
    def post(self, request: Request) -> Response:
        body = _valid(NoticeIn, request)
        plan, classes = _bytes(body.pop("plan"), "The plan"), tuple(body.pop("device_classes"))
        wanted = notices.Wanted(device_classes=classes, **body)
        row = notices.notice_post(organisation=organisation_of(request), plan=plan, wanted=wanted)
        return Response(WholeNoticeOut(row).data, status=201)


class NoticeDetail(BoardView):
    """One notice with its plan, by the plan's hash. Hubs and organisations."""

    @extend_schema(responses=WholeNoticeOut)
    def get(self, request: Request, plan: str) -> Response:
        return Response(WholeNoticeOut(selectors.notice_get(plan)).data)


class NoticeClose(BoardView):
    """Take no more answers. The organisation that posted it; repeating it changes nothing."""

    allowed = {"POST": IsOrganisation}

    @extend_schema(request=None, responses=WholeNoticeOut)
    def post(self, request: Request, plan: str) -> Response:
        return Response(WholeNoticeOut(notices.notice_close(organisation=organisation_of(request), digest=plan)).data)


class Answers(BoardView):
    """Answer a notice, withdraw the answer (hubs); read the answers (the organisation that posted it)."""

    allowed = {"GET": IsOrganisation, "POST": IsHub, "DELETE": IsHub}

    @extend_schema(responses=page_schema("NoticeAnswers", NoticeAnswerOut), parameters=[AFTER, LIMIT])
    def get(self, request: Request, plan: str) -> Response:
        after = number_of(request, "after", 0)
        rows = selectors.answers_of(organisation=organisation_of(request), digest=plan, after=after)
        return _page(request, rows, NoticeAnswerOut)

    @extend_schema(request=NoticeAnswerIn, responses={201: NoticeAnswerOut})
    def post(self, request: Request, plan: str) -> Response:
        body = _valid(NoticeAnswerIn, request)
        row = notices.notice_answer(
            hub=hub_of(request),
            digest=plan,
            address=body["address"].hex(),
            bundle=_bytes(body["bundle"], "The bundle"),
        )
        return Response(NoticeAnswerOut(row).data, status=201)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, plan: str) -> Response:
        notices.notice_withdraw(hub=hub_of(request), digest=plan)
        return Response(status=204)
