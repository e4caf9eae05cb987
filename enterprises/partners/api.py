"""REST of registration and of the operators' desk: hubs, organisations, accreditation, suspension, credits."""

from __future__ import annotations

import re
import uuid
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chain.wallets.address import address_text
from enterprises.partners import selectors, services, tokens
from enterprises.partners.authentication import IsOrganisation, MarketTokenAuthentication, organisation_of
from enterprises.partners.models import CreditGrant, Organisation
from enterprises.partners.operator import operator_ledger
from enterprises.throttles import Registrations
from marketplace.accounts.permissions import IsOperator
from marketplace.common.errors import InputError


@extend_schema_field(OpenApiTypes.STR)
class HexField(serializers.Field[bytes, str, str, Any]):
    """Bytes of a fixed length as hexadecimal digits."""

    default_error_messages = {"hex": "These must be {digits} hexadecimal digits."}

    def __init__(self, size: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = size

    def to_internal_value(self, data: str) -> bytes:
        if not isinstance(data, str) or not re.fullmatch(rf"[0-9a-f]{{{2 * self.size}}}", data):
            self.fail("hex", digits=2 * self.size)
        return bytes.fromhex(data)

    def to_representation(self, value: bytes) -> str:
        return value.hex()


class ChallengeIn(serializers.Serializer[Any]):
    public_key = HexField(33)


class ChallengeOut(serializers.Serializer[Any]):
    challenge = serializers.CharField()


class ProofIn(ChallengeIn):
    """The challenge, and its signature by the key: over SHA-256("hearth/register" | challenge | public key)."""

    challenge = serializers.CharField(max_length=512)
    signature = HexField(64)


class OrganisationIn(ProofIn):
    name = serializers.CharField(max_length=120)
    contact = serializers.EmailField()


class TokenOut(serializers.Serializer[Any]):
    token = serializers.CharField()


class OrganisationOut(serializers.ModelSerializer[Organisation]):
    id = serializers.UUIDField(source="public_id")
    address = serializers.SerializerMethodField()

    class Meta:
        model = Organisation
        fields = ("id", "name", "contact", "address", "status", "accredited_until", "created_at")

    def get_address(self, row: Organisation) -> str:
        return address_text(bytes.fromhex(row.address))


class AccreditIn(serializers.Serializer[Any]):
    until = serializers.DateTimeField()


class GrantIn(serializers.Serializer[Any]):
    amount = serializers.IntegerField(min_value=1, max_value=services.GRANT_MAX)


class GrantOut(serializers.ModelSerializer[CreditGrant]):
    class Meta:
        model = CreditGrant
        fields = ("key", "amount", "state", "tx_id", "refusal", "created_at", "done_at")


def _valid(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


class Registration(APIView):
    """Registration needs no account: the key proves itself."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = (Registrations,)


class ChallengeView(Registration):
    """A challenge to be signed with the key that registers. Public."""

    @extend_schema(request=ChallengeIn, responses=ChallengeOut)
    def post(self, request: Request) -> Response:
        return Response({"challenge": tokens.challenge_new(_valid(ChallengeIn, request)["public_key"])})


class Hubs(Registration):
    """Register a hub by its key; answers its token, once. Public."""

    @extend_schema(request=ProofIn, responses={201: TokenOut})
    def post(self, request: Request) -> Response:
        return Response({"token": services.hub_register(**_valid(ProofIn, request))}, status=201)


class Organisations(APIView):
    """Register an organisation (public); list them (operators)."""

    throttle_classes = (Registrations,)

    def get_authenticators(self) -> list[Any]:
        registering = self.request is not None and self.request.method == "POST"
        return [] if registering else super().get_authenticators()

    def get_permissions(self) -> list[Any]:
        return [AllowAny()] if self.request.method == "POST" else [IsOperator()]

    @extend_schema(request=OrganisationIn, responses={201: TokenOut})
    def post(self, request: Request) -> Response:
        organisation, token = services.organisation_register(**_valid(OrganisationIn, request))
        return Response({"token": token, "organisation": OrganisationOut(organisation).data}, status=201)

    @extend_schema(responses=OrganisationOut(many=True))
    def get(self, request: Request) -> Response:
        page = _OrganisationPages()
        page.setup(request._request)
        page.request, page.format_kwarg = request, None
        return page.list(request)


class _OrganisationPages(ListAPIView[Organisation]):
    serializer_class = OrganisationOut

    def get_queryset(self) -> Any:
        return selectors.organisations(self.request.query_params.get("status", ""))


class OwnOrganisation(APIView):
    """The organisation that bears the token."""

    authentication_classes = (MarketTokenAuthentication,)
    permission_classes = (IsOrganisation,)

    @extend_schema(responses=OrganisationOut)
    def get(self, request: Request) -> Response:
        return Response(OrganisationOut(organisation_of(request)).data)


class OperatorView(APIView):
    """For the market's operators only."""

    permission_classes = (IsOperator,)


class Accredit(OperatorView):
    """Let an organisation buy until a day. Operators; repeating it changes nothing."""

    @extend_schema(request=AccreditIn, responses=OrganisationOut)
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        row = services.organisation_accredit(
            organisation=selectors.organisation(public_id), ledger=operator_ledger(), **_valid(AccreditIn, request)
        )
        return Response(OrganisationOut(row).data)


class Suspend(OperatorView):
    """Stop an organisation from buying. Operators; repeating it changes nothing."""

    @extend_schema(request=None, responses=OrganisationOut)
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        row = services.organisation_suspend(organisation=selectors.organisation(public_id), ledger=operator_ledger())
        return Response(OrganisationOut(row).data)


class Grants(OperatorView):
    """Mint credits for an organisation, once for each ``Idempotency-Key``. Operators."""

    @extend_schema(request=GrantIn, responses={200: GrantOut})
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            raise InputError("The header Idempotency-Key is missing; repeat the call with the same one.")
        grant = services.credits_grant(
            organisation=selectors.organisation(public_id),
            key=key,
            operator_id=int(request.user.pk or 0),
            ledger=operator_ledger(),
            **_valid(GrantIn, request),
        )
        return Response(GrantOut(grant).data)
