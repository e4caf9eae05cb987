"""Log-in for programs: a token for an e-mail address and password, its removal, and who am I."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth import authenticate
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.accounts import selectors, services
from marketplace.accounts.models import ApiToken, Kind, User
from marketplace.common.errors import HearthError, InputError
from marketplace.common.throttles import ScopedThrottle

MAX_DAYS = 365


class LoginRefused(HearthError):
    code = "login_refused"
    http_status = 401
    title = "The e-mail address or the password is wrong"


class SecondFactorNeeded(HearthError):
    code = "second_factor_needed"
    http_status = 401
    title = "This account has a second factor, which this call can't check"
    hint = "Log in with the browser and make a token on the page Account, API tokens."


class NotATokenLogin(InputError):
    code = "not_a_token_login"
    title = "This call was not made with a token, so there is none to remove"


class TokenAsk(serializers.Serializer):
    email = serializers.EmailField()
    password = serializers.CharField(max_length=200, trim_whitespace=False)
    label = serializers.CharField(max_length=60, default="API")  # type: ignore[assignment]  # a field named label
    days = serializers.IntegerField(min_value=1, max_value=MAX_DAYS, default=90)


class TokenAnswer(serializers.Serializer):
    token = serializers.CharField(help_text="Shown this once.")
    expires_at = serializers.DateTimeField()


class MeAnswer(serializers.Serializer):
    id = serializers.IntegerField()
    email = serializers.EmailField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    time_zone = serializers.CharField()


class Token(APIView):
    """POST: anyone who knows a password. DELETE: the bearer of a token, who thereby removes it."""

    throttle_classes = [ScopedThrottle]
    throttle_scope = "login"

    def get_permissions(self) -> list[BasePermission]:
        return [AllowAny() if self.request.method == "POST" else IsAuthenticated()]

    @extend_schema(request=TokenAsk, responses={201: TokenAnswer}, auth=[], operation_id="token_create")
    def post(self, request: Request) -> Response:
        ask = TokenAsk(data=request.data)
        ask.is_valid(raise_exception=True)
        wanted = ask.validated_data
        user = authenticate(request._request, username=wanted["email"], password=wanted["password"])
        if not isinstance(user, User):
            raise LoginRefused()
        if selectors.has_second_factor(user):
            raise SecondFactorNeeded()
        row, token = services.api_token_create(user=user, label=wanted["label"], life=timedelta(days=wanted["days"]))
        answer = TokenAnswer({"token": token, "expires_at": row.expires_at})
        return Response(answer.data, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})

    @extend_schema(request=None, responses={204: None}, operation_id="token_remove")
    def delete(self, request: Request) -> Response:
        if not isinstance(request.auth, ApiToken):
            raise NotATokenLogin()
        services.api_token_remove(user=request.auth.user, pk=request.auth.pk)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Me(APIView):
    """GET: any user, about the account that the call is made with."""

    permission_classes = [IsAuthenticated]

    @extend_schema(responses=MeAnswer, operation_id="me")
    def get(self, request: Request) -> Response:
        return Response(MeAnswer(request.user).data)
