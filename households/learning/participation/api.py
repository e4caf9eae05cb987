"""REST of a home's training jobs: list, one with its rounds, leave, and the proof of a version."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from households.api_base import AddressField, HexBytes, HomeView
from households.learning.participation import selectors
from households.learning.participation.leaving import participation_get, participation_leave
from households.learning.participation.port import connection_of
from households.learning.participation.versions import version_proof
from marketplace.api import Pages, paged
from marketplace.common.errors import InputError


class ParticipationOut(serializers.Serializer[Any]):
    """``state`` is asked, declined, answered, peered, licensed, running, done, left or failed; ``code`` says why."""

    id = serializers.UUIDField(source="row.pk")
    state = serializers.CharField(source="row.state")
    code = serializers.CharField(source="row.code")
    leaving = serializers.BooleanField(source="row.leaving")
    task = serializers.CharField(source="row.task")
    purpose = serializers.CharField(source="row.purpose")
    enterprise = AddressField(source="row.enterprise")
    enterprise_name = serializers.CharField(source="row.enterprise_name")
    plan = HexBytes(source="row.plan_hash")
    job = HexBytes(source="row.job")
    pseudonym = HexBytes(source="row.pseudonym")
    lots_offered = serializers.IntegerField(source="lots")
    lots_accepted = serializers.IntegerField(source="accepted")
    rewards = serializers.IntegerField()
    bonus = serializers.IntegerField()
    micro_epsilon = serializers.IntegerField()
    asked_at = serializers.DateTimeField(source="row.asked_at")
    ended_at = serializers.DateTimeField(source="row.ended_at", allow_null=True)


class RoundOut(serializers.Serializer[Any]):
    """``state`` is joined, declined, sent or over; ``update_hash`` is of what was sent, masked."""

    sequence = serializers.IntegerField(source="row.sequence")
    step = serializers.IntegerField(source="row.step")
    kind = serializers.CharField(source="row.kind")
    state = serializers.CharField(source="row.state")
    outcome = serializers.CharField(source="row.outcome")
    micro_epsilon = serializers.IntegerField(source="row.micro_epsilon")
    update_hash = HexBytes(source="row.masked")
    survivors = serializers.IntegerField(source="row.survivors")
    reward = serializers.IntegerField()
    asked_at = serializers.DateTimeField(source="row.asked_at")


class WholeParticipationOut(ParticipationOut):
    """With its rounds, newest first."""

    rounds = RoundOut(many=True)


class Participations(HomeView):
    """The training jobs that the home was asked about, newest first."""

    @extend_schema(**paged("home_learning_jobs", ParticipationOut))
    def get(self, request: Request) -> Response:
        pages = Pages()
        found = pages.paginate_queryset(selectors.participations(self.home), request, view=self) or []
        views = [selectors.participation_view(row) for row in found]
        return pages.get_paginated_response(ParticipationOut(views, many=True).data)


class ParticipationDetail(HomeView):
    """One job with its rounds."""

    @extend_schema(operation_id="home_learning_job", responses=WholeParticipationOut)
    def get(self, request: Request, participation_id: uuid.UUID) -> Response:
        row = participation_get(self.home, participation_id)
        return Response(WholeParticipationOut(selectors.participation_view(row, whole=True)).data)


class ParticipationLeave(HomeView):
    """Leave a job now; nobody is told why."""

    @extend_schema(request=None, responses={202: WholeParticipationOut})
    def post(self, request: Request, participation_id: uuid.UUID) -> Response:
        home = self.home
        participation_leave(household=home, participation=participation_get(home, participation_id))
        row = participation_get(home, participation_id)
        return Response(WholeParticipationOut(selectors.participation_view(row, whole=True)).data, status=202)


class VersionProofFile(HomeView):
    """The proof that the home's update is in a version (its id, 64 hexadecimal digits), as a JSON file."""

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.BINARY})
    def get(self, request: Request, participation_id: uuid.UUID, version: str) -> HttpResponse:
        home = self.home
        row = participation_get(home, participation_id)
        try:
            wanted = bytes.fromhex(version)
        except ValueError:
            raise InputError("A version is named by 64 hexadecimal digits.") from None
        proof = version_proof(participation=row, version=wanted, connection=connection_of(home))
        name, data = selectors.proof_file(proof)
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(data, content_type="application/json", headers=headers)
