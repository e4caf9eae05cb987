"""REST of the home itself: setting it up, its wallet's words, consent, overview, log."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from chain.wallets.keystore import MIN_PASSPHRASE
from households.api_base import Done, HomeView, valid
from households.models import Activity, Household
from households.selectors import households as selectors
from households.services import households as services
from households.services import wallets
from households.services.nudges import agents_poke
from households.services.recovering import household_recover
from households.uploads import selectors as readings
from marketplace.accounts.permissions import IsOwner
from marketplace.api import Pages
from marketplace.common.licences import CONSENT, current


class HomeIn(serializers.Serializer[Any]):
    """``words`` restores a wallet that exists already."""

    name = serializers.CharField(max_length=60, default="My home")
    cell = serializers.CharField(max_length=64)
    passphrase = serializers.CharField(min_length=MIN_PASSPHRASE, max_length=200, trim_whitespace=False)
    words = serializers.CharField(required=False, default="", allow_blank=True)
    auto_accept = serializers.BooleanField(default=False)


class HomeOut(serializers.ModelSerializer[Household]):
    class Meta:
        model = Household
        fields = (
            "id", "name", "cell", "ledger", "state", "halted_code", "auto_accept", "interval_ms", "upload_ms",
            "created_at",
        )  # fmt: skip


class HomeMade(serializers.Serializer[Any]):
    """``words`` are shown this once and kept nowhere in clear."""

    home = HomeOut()
    words = serializers.CharField()


class HomeChange(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60, required=False)
    cell = serializers.CharField(max_length=64, required=False)
    interval_ms = serializers.IntegerField(required=False)
    upload_ms = serializers.IntegerField(required=False)
    auto_accept = serializers.BooleanField(required=False)


class WordsIn(serializers.Serializer[Any]):
    """At least three of the words by their position from 1, and the passphrase."""

    words = serializers.DictField(child=serializers.CharField(max_length=16), allow_empty=False)
    passphrase = serializers.CharField(max_length=200, trim_whitespace=False)


class RestoreIn(serializers.Serializer[Any]):
    words = serializers.CharField(max_length=400)
    passphrase = serializers.CharField(min_length=MIN_PASSPHRASE, max_length=200, trim_whitespace=False)


class RecoverIn(serializers.Serializer[Any]):
    """The devices that shall vote from now on, and the passphrase of the master wallet, whose key signs it."""

    voters = serializers.ListField(child=serializers.UUIDField(), allow_empty=False, max_length=100)
    passphrase = serializers.CharField(max_length=200, trim_whitespace=False)


class OverviewOut(serializers.Serializer[Any]):
    home = HomeOut(source="household")
    devices = serializers.IntegerField()
    devices_online = serializers.IntegerField()
    devices_quarantined = serializers.IntegerField()
    waiting = serializers.IntegerField()
    voters = serializers.IntegerField()
    quorum = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field's own label is not wanted here
    lots_listed = serializers.IntegerField()
    batches_open = serializers.IntegerField()
    held = serializers.BooleanField()
    earned = serializers.IntegerField()
    balance = serializers.IntegerField()


class SeriesOut(serializers.Serializer[Any]):
    device_id = serializers.UUIDField()
    quantity = serializers.CharField()
    unit = serializers.CharField()
    readings = serializers.IntegerField()
    last_ms = serializers.IntegerField()
    last_text = serializers.CharField()


class ReadingsOut(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    waiting = serializers.IntegerField()
    series = SeriesOut(many=True)


class ConsentIn(serializers.Serializer[Any]):
    """The name of the text that was read, for instance ``consent-1``."""

    text = serializers.CharField(max_length=40)


class ConsentOut(serializers.Serializer[Any]):
    text = serializers.CharField()
    body = serializers.CharField()
    given = serializers.BooleanField()


class ActivityOut(serializers.ModelSerializer[Activity]):
    class Meta:
        model = Activity
        fields = ("kind", "device", "facts", "created_at")


class Home(HomeView):
    """The owner's home; POST sets it up, once."""

    @extend_schema(responses=HomeOut)
    def get(self, request: Request) -> Response:
        return Response(HomeOut(self.home).data)

    @extend_schema(request=HomeIn, responses={201: HomeMade})
    def post(self, request: Request) -> Response:
        household, words = services.household_create(owner_id=int(request.user.pk or 0), **valid(HomeIn, request))
        return Response({"home": HomeOut(household).data, "words": words}, status=201)

    @extend_schema(request=HomeChange, responses=HomeOut)
    def patch(self, request: Request) -> Response:
        household = services.household_update(household=self.home, **valid(HomeChange, request))
        agents_poke(household, "settings")
        return Response(HomeOut(household).data)


class Overview(HomeView):
    """The figures of the owner's first page."""

    @extend_schema(responses=OverviewOut)
    def get(self, request: Request) -> Response:
        return Response(OverviewOut(selectors.overview(self.home)).data)


class WordsConfirm(HomeView):
    """Confirm some of the words that were shown; then the home is active."""

    @extend_schema(request=WordsIn, responses=HomeOut)
    def post(self, request: Request) -> Response:
        home, body = self.home, valid(WordsIn, request)
        positions = {int(place): word for place, word in body["words"].items() if place.isdigit()}
        wallets.wallet_confirm_words(household=home, positions=positions, passphrase=body["passphrase"])
        home.refresh_from_db()
        return Response(HomeOut(home).data)


class Restore(HomeView):
    """Put the wallet back from its words, with a new passphrase."""

    @extend_schema(request=RestoreIn, responses=Done)
    def post(self, request: Request) -> Response:
        wallets.wallet_restore(household=self.home, **valid(RestoreIn, request))
        return Response({"ok": True})


class Recover(HomeView):
    """Name new voters when the old ones have been silent for a day; signed with the master wallet's key."""

    @extend_schema(request=RecoverIn, responses=Done)
    def post(self, request: Request) -> Response:
        household_recover(household=self.home, **valid(RecoverIn, request))
        return Response({"ok": True})


class Readings(HomeView):
    """The newest value of every series. Only the owner sees values."""

    @extend_schema(responses=ReadingsOut)
    def get(self, request: Request) -> Response:
        home = self.home
        found = {
            "total": readings.readings_total(home),
            "waiting": readings.readings_waiting(home),
            "series": readings.series_views(home),
        }
        return Response(ReadingsOut(found).data)


class ConsentView(HomeView):
    """The present text on sharing, and whether the owner agreed to it; POST agrees, DELETE withdraws."""

    @extend_schema(responses=ConsentOut)
    def get(self, request: Request) -> Response:
        text = current(CONSENT)
        given = services.consent_present(self.home)
        return Response(ConsentOut({"text": text.name, "body": text.body, "given": given}).data)

    @extend_schema(request=ConsentIn, responses=Done)
    def post(self, request: Request) -> Response:
        services.consent_give(household=self.home, text_name=valid(ConsentIn, request)["text"])
        return Response({"ok": True})

    @extend_schema(responses={204: None})
    def delete(self, request: Request) -> Response:
        services.consent_withdraw(household=self.home)
        return Response(status=204)


class Activities(ListAPIView[Activity]):
    """The owner's log, newest first."""

    permission_classes = (IsOwner,)
    pagination_class = Pages
    serializer_class = ActivityOut
    filter_backends = ()

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Activity.objects.none()
        return selectors.activities(selectors.home_of(int(self.request.user.pk or 0)))
