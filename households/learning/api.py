"""REST of learning at home: limits and account, rules of consent, rounds that were counted, history."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from chain.wallets.address import address_parse
from households.api_base import AddressField, HexBytes, HomeView, valid
from households.learning import selectors
from households.learning.lots import stock_of
from households.learning.questions import needs_of
from households.learning.rules import (
    LIMIT_MICRO_MAX,
    NAME_MAX,
    PERIODS,
    learning_settings_set,
    rule_get,
    rule_give,
    rule_revoke,
)
from households.learning.words import TASKS
from households.models import ConsentEvent, EpsilonEntry
from households.privacy.classes import DEVICE_CLASSES
from marketplace.api import Pages, paged
from marketplace.common.licences import TRAINING, current


class EnterpriseField(AddressField):
    """An address, or an empty text for any."""

    def to_representation(self, value: Any) -> str:
        return super().to_representation(value) if value else ""


class StockOut(serializers.Serializer[Any]):
    device_class = serializers.CharField()
    lots = serializers.IntegerField()
    rows = serializers.IntegerField()


class LearningOut(serializers.Serializer[Any]):
    """Amounts in micro-epsilon. ``used`` counts what is set aside; ``text`` names the present training licence."""

    enabled = serializers.BooleanField(source="settings.enabled")
    limit_micro = serializers.IntegerField(source="settings.limit_micro")
    period_days = serializers.IntegerField(source="settings.period_days")
    used_micro = serializers.IntegerField(source="used")
    reserved_micro = serializers.IntegerField(source="reserved")
    left_micro = serializers.IntegerField(source="left")
    rounds = serializers.IntegerField()
    text = serializers.SerializerMethodField()
    stock = serializers.SerializerMethodField()

    def get_text(self, _: Any) -> str:
        return current(TRAINING).name

    @extend_schema(responses=StockOut(many=True))
    def get_stock(self, account: selectors.Account) -> list[dict[str, Any]]:
        return list(StockOut(stock_of(account.settings.household), many=True).data)


class LearningIn(serializers.Serializer[Any]):
    enabled = serializers.BooleanField(required=False)
    limit_micro = serializers.IntegerField(required=False, min_value=1, max_value=LIMIT_MICRO_MAX)
    period_days = serializers.ChoiceField(required=False, choices=list(PERIODS))


class ConsentRuleOut(serializers.Serializer[Any]):
    """``state`` is in_force, used_up, expired or rule_revoked."""

    id = serializers.UUIDField(source="rule.pk")
    task = serializers.CharField(source="rule.task")
    classes = serializers.ListField(source="rule.classes", child=serializers.CharField())
    enterprise = EnterpriseField(source="rule.enterprise")
    enterprise_name = serializers.CharField(source="rule.enterprise_name")
    limit_micro = serializers.IntegerField(source="rule.limit_micro")
    used_micro = serializers.IntegerField()
    noiseless = serializers.BooleanField(source="rule.noiseless")
    state = serializers.CharField()
    text = serializers.CharField(source="rule.text")
    given_at = serializers.DateTimeField(source="rule.given_at")
    expires_at = serializers.DateTimeField(source="rule.expires_at")
    revoked_at = serializers.DateTimeField(source="rule.revoked_at", allow_null=True)


class ConsentRuleIn(serializers.Serializer[Any]):
    """``task`` and ``enterprise`` may be empty: any. ``text`` names the training licence that was read."""

    task = serializers.ChoiceField(choices=sorted(TASKS), required=False, default="", allow_blank=True)
    classes = serializers.ListField(child=serializers.ChoiceField(choices=sorted(DEVICE_CLASSES)), allow_empty=False)
    enterprise = serializers.CharField(max_length=90, required=False, default="", allow_blank=True)
    enterprise_name = serializers.CharField(max_length=NAME_MAX, required=False, default="", allow_blank=True)
    limit_micro = serializers.IntegerField(min_value=1, max_value=LIMIT_MICRO_MAX)
    noiseless = serializers.BooleanField(required=False, default=False)
    expires_at = serializers.DateTimeField()
    text = serializers.CharField(max_length=40)


class EpsilonOut(serializers.ModelSerializer[EpsilonEntry]):
    job = HexBytes()

    class Meta:
        model = EpsilonEntry
        fields = (
            "rule", "job", "round", "classes", "micro_epsilon", "delta_pico", "state", "reserved_at", "ended_at",
        )  # fmt: skip


class ConsentEventOut(serializers.ModelSerializer[ConsentEvent]):
    notice, job, enterprise = HexBytes(), HexBytes(), EnterpriseField()

    class Meta:
        model = ConsentEvent
        fields = (
            "kind", "rule", "notice", "job", "round", "enterprise", "enterprise_name", "task", "classes",
            "micro_epsilon", "allowed", "code", "at",
        )  # fmt: skip


class TaskOut(serializers.Serializer[Any]):
    """``needs``: each of them must be met, by any of its device classes."""

    name = serializers.CharField()
    title = serializers.CharField()
    needs = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))


class Learning(HomeView):
    """The home's limits and its account of epsilon; PATCH changes the limits, or switches learning off and on."""

    @extend_schema(responses=LearningOut)
    def get(self, request: Request) -> Response:
        return Response(LearningOut(selectors.account_of(self.home, timezone.now())).data)

    @extend_schema(request=LearningIn, responses=LearningOut)
    def patch(self, request: Request) -> Response:
        home = self.home
        learning_settings_set(household=home, **valid(LearningIn, request))
        return Response(LearningOut(selectors.account_of(home, timezone.now())).data)


class Tasks(HomeView):
    """The purposes that a rule can name, and the kinds of device that each needs."""

    @extend_schema(responses=TaskOut(many=True))
    def get(self, request: Request) -> Response:
        _ = self.home
        found = [
            {
                "name": name,
                "title": title,
                "needs": [sorted({one for one, _ in need.sources}) for need in needs_of(name) if not need.optional],
            }
            for name, (title, _) in TASKS.items()
        ]
        return Response(TaskOut(found, many=True).data)


class ConsentRules(HomeView):
    """The owner's rules of consent; POST gives a new one."""

    @extend_schema(**paged("home_learning_rules_list", ConsentRuleOut))
    def get(self, request: Request) -> Response:
        pages = Pages()
        found = pages.paginate_queryset(selectors.rule_views(self.home, timezone.now()), request, view=self) or []
        return pages.get_paginated_response(ConsentRuleOut(found, many=True).data)

    @extend_schema(request=ConsentRuleIn, responses={201: ConsentRuleOut})
    def post(self, request: Request) -> Response:
        home, body = self.home, valid(ConsentRuleIn, request)
        body["enterprise"] = address_parse(body["enterprise"]) if body["enterprise"] else b""
        rule = rule_give(household=home, text_name=body.pop("text"), **body)
        return Response(ConsentRuleOut(selectors.rule_view(rule, timezone.now())).data, status=201)


class ConsentRuleDetail(HomeView):
    """One rule; DELETE revokes it at once. It stays in the list."""

    @extend_schema(responses=ConsentRuleOut)
    def get(self, request: Request, rule_id: uuid.UUID) -> Response:
        rule = rule_get(self.home, rule_id)
        return Response(ConsentRuleOut(selectors.rule_view(rule, timezone.now())).data)

    @extend_schema(responses=ConsentRuleOut)
    def delete(self, request: Request, rule_id: uuid.UUID) -> Response:
        home = self.home
        rule = rule_get(home, rule_id)
        rule_revoke(household=home, rule=rule)
        return Response(ConsentRuleOut(selectors.rule_view(rule, timezone.now())).data)


class EpsilonEntries(HomeView):
    """Every round that cost epsilon, newest first."""

    @extend_schema(**paged("home_learning_epsilon_list", EpsilonOut))
    def get(self, request: Request) -> Response:
        pages = Pages()
        found = pages.paginate_queryset(selectors.epsilon_entries(self.home), request, view=self) or []
        return pages.get_paginated_response(EpsilonOut(found, many=True).data)


class History(HomeView):
    """What was asked and answered, and what the owner changed, newest first."""

    @extend_schema(
        **paged("home_learning_history_list", ConsentEventOut, OpenApiParameter("show", enum=list(selectors.FILTERS)))
    )
    def get(self, request: Request) -> Response:
        pages = Pages()
        rows = selectors.history(self.home, request.query_params.get("show", "all"))
        found = pages.paginate_queryset(rows, request, view=self) or []
        return pages.get_paginated_response(ConsentEventOut(found, many=True).data)
