"""REST of training jobs. Members of one enterprise only; another's jobs do not exist for them."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from enterprises.checkout.api import MemberView
from enterprises.training import selectors, services
from enterprises.training import serializers as shapes
from enterprises.training.errors import PlanFieldsInvalid
from enterprises.training.models import TrainingJob
from enterprises.training.plans import families_of, helpful_classes, needed_classes
from fedlearn.learners.templates import TEMPLATES
from marketplace.api import Pages, paged


class TrainingView(MemberView):
    """A view of one job."""

    def job(self, public_id: uuid.UUID) -> TrainingJob:
        return selectors.job(self.enterprise, public_id)

    def detail(self, row: TrainingJob, status: int = 200) -> Response:
        return Response(shapes.TrainingDetailOut(self.job(row.public_id)).data, status=status)


class Templates(MemberView):
    """The tasks that homes can learn, and what they need for them."""

    @extend_schema(responses=shapes.TrainingTemplateOut(many=True))
    def get(self, request: Request) -> Response:
        self.member  # noqa: B018  # a membership is needed here as well
        found = [
            {
                "name": task.name,
                "title": task.title,
                "predicts": task.label,
                "unit": task.unit,
                "needs": needed_classes(task.name),
                "helps": helpful_classes(task.name),
                "families": families_of(task.name),
            }
            for task in TEMPLATES.values()
        ]
        return Response(shapes.TrainingTemplateOut(found, many=True).data)


class Trainings(TrainingView):
    """The jobs, newest first; POST makes a draft."""

    @extend_schema(**paged("enterprise_training_list", shapes.TrainingOut))
    def get(self, request: Request) -> Response:
        pages = Pages()
        rows = pages.paginate_queryset(selectors.jobs(self.enterprise), request, view=self)
        return pages.get_paginated_response(shapes.TrainingOut(rows, many=True).data)

    @extend_schema(request=shapes.TrainingIn, responses={201: shapes.TrainingDetailOut})
    def post(self, request: Request) -> Response:
        body = shapes.TrainingIn(data=request.data)
        body.is_valid(raise_exception=True)
        fields: dict[str, Any] = dict(body.validated_data)
        told = {name: fields.pop(name) for name in ("service", "purpose", "gather_s")}
        try:
            row = services.job_create(member=self.member, **told, fields=fields)
        except PlanFieldsInvalid as fault:
            raise serializers.ValidationError(dict(fault.fields)) from fault
        return self.detail(row, 201)


class TrainingDetail(TrainingView):
    """One job with its rounds."""

    @extend_schema(responses=shapes.TrainingDetailOut)
    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        return self.detail(self.job(public_id))


class Estimate(TrainingView):
    """What the job will take with the homes that are ready now; of a draft, with a full cohort."""

    @extend_schema(responses=shapes.TrainingEstimateOut)
    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        return Response(shapes.TrainingEstimateOut(self.job(public_id).estimate).data)


class Notice(TrainingView):
    """Look for homes: the draft's notice goes to the market's board."""

    @extend_schema(request=None, responses={202: shapes.TrainingDetailOut})
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        return self.detail(services.job_notice(member=self.member, job=self.job(public_id)), 202)


class Answers(TrainingView):
    """The homes that answered, under their pseudonyms, and how far each has come."""

    @extend_schema(responses=shapes.TrainingAnswerOut(many=True))
    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        return Response(shapes.TrainingAnswerOut(selectors.peers(self.job(public_id)), many=True).data)


class DryRun(TrainingView):
    """The dry run on the mocks of the homes that answered; it is made by itself, POST has it made again."""

    @extend_schema(responses=shapes.TrainingDryRunOut)
    def get(self, request: Request, public_id: uuid.UUID) -> Response:
        return Response(shapes.dry_run_of(self.job(public_id)))

    @extend_schema(request=None, responses={202: shapes.TrainingDryRunOut})
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        row = services.job_rehearse(job=self.job(public_id))
        return Response(shapes.dry_run_of(row), status=202)


class Confirm(TrainingView):
    """Pay the licences of the homes that are ready, at the cost that the estimate shows."""

    @extend_schema(request=shapes.TrainingConfirmIn, responses={202: shapes.TrainingDetailOut})
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        body = shapes.TrainingConfirmIn(data=request.data)
        body.is_valid(raise_exception=True)
        total = int(body.validated_data["total"])
        row = services.job_confirm(member=self.member, market=self.market, job=self.job(public_id), total=total)
        return self.detail(row, 202)


class Cancel(TrainingView):
    """End the job; what was not paid to homes comes back. Repeating it changes nothing."""

    @extend_schema(request=None, responses={202: shapes.TrainingDetailOut})
    def post(self, request: Request, public_id: uuid.UUID) -> Response:
        return self.detail(services.job_cancel(job=self.job(public_id)), 202)
