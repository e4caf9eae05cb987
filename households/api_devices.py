"""REST of devices: the inbox, pairing codes, and what the owner does with a device."""

from __future__ import annotations

import uuid
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from households.api_base import AddressField, HexBytes, HomeView, valid
from households.models import BlockProposal, Candidate, Device, MembershipChange, RefusalCount
from households.selectors import devices as selectors
from households.services import devices as services
from households.services.pairing import candidate_refuse, pairing_code_create
from households.services.proposing import proposal_void
from marketplace.common.errors import InputError

PERMISSIONS = tuple(selectors.PERMISSION_NAMES)


class DeviceOut(serializers.ModelSerializer[Device]):
    """What the home knows of a device. ``permissions`` and ``status`` are those of the device ledger."""

    device_id = HexBytes()
    identity_key = HexBytes()
    fingerprint = HexBytes()
    account = AddressField()
    permissions = serializers.SerializerMethodField()
    score = serializers.SerializerMethodField()
    online = serializers.SerializerMethodField()

    class Meta:
        model = Device
        fields = (
            "id", "name", "device_class", "model", "area", "failure_domain", "voter", "permissions", "status",
            "quarantine_code", "device_id", "identity_key", "fingerprint", "certificate_until", "account_index",
            "account", "score", "online", "last_seen_at", "joined_at", "ended_at",
        )  # fmt: skip

    @extend_schema_field(serializers.ListField(child=serializers.ChoiceField(PERMISSIONS)))
    def get_permissions(self, row: Device) -> list[str]:
        return selectors.permission_names(row.permissions)

    def get_score(self, row: Device) -> float:
        return round(selectors.score_share(row), 3)

    def get_online(self, row: Device) -> bool:
        return bool(row.connected)


class CandidateOut(serializers.ModelSerializer[Candidate]):
    public_key = HexBytes()

    class Meta:
        model = Candidate
        fields = ("id", "public_key", "device_class", "model", "replaces", "seen_at", "created_at")


class AcceptIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60, required=False, default="", allow_blank=True)
    area = serializers.CharField(max_length=64, required=False, allow_blank=True)
    voter = serializers.BooleanField(default=True)
    permissions = serializers.ListField(child=serializers.ChoiceField(PERMISSIONS), required=False)


class NameIn(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60)


class PermissionsIn(serializers.Serializer[Any]):
    permissions = serializers.ListField(child=serializers.ChoiceField(PERMISSIONS))


class ReasonIn(serializers.Serializer[Any]):
    reason = serializers.RegexField(r"^[a-z][a-z0-9_]{0,31}$", default="owner")


class CodeIn(serializers.Serializer[Any]):
    uses = serializers.IntegerField(min_value=1, max_value=100, default=1)


class CodeOut(serializers.Serializer[Any]):
    """The code is shown this once."""

    code = serializers.CharField()


class ChangeOut(serializers.ModelSerializer[MembershipChange]):
    class Meta:
        model = MembershipChange
        fields = ("id", "device", "call", "state", "code", "created_at")


class RefusalOut(serializers.ModelSerializer[RefusalCount]):
    class Meta:
        model = RefusalCount
        fields = ("device", "code", "readings", "times")


class ProposalOut(serializers.ModelSerializer[BlockProposal]):
    class Meta:
        model = BlockProposal
        fields = ("id", "kind", "height", "round", "state", "voters", "needed", "held", "created_at", "ended_at")


class DeviceView(HomeView):
    """For one device of the owner's own home; another home's does not exist."""

    def device(self, device_id: uuid.UUID) -> Device:
        return selectors.device_get(self.home, device_id)


class Devices(HomeView):
    """All devices of the home."""

    @extend_schema(responses=DeviceOut(many=True))
    def get(self, request: Request) -> Response:
        return Response(DeviceOut(selectors.devices(self.home), many=True).data)


class DeviceDetail(DeviceView):
    """One device; PATCH renames it."""

    @extend_schema(responses=DeviceOut)
    def get(self, request: Request, device_id: uuid.UUID) -> Response:
        return Response(DeviceOut(self.device(device_id)).data)

    @extend_schema(request=NameIn, responses=DeviceOut)
    def patch(self, request: Request, device_id: uuid.UUID) -> Response:
        services.device_rename(device=self.device(device_id), **valid(NameIn, request))
        return Response(DeviceOut(self.device(device_id)).data)


class Inbox(HomeView):
    """Devices that wait for the owner's yes."""

    @extend_schema(responses=CandidateOut(many=True))
    def get(self, request: Request) -> Response:
        return Response(CandidateOut(selectors.candidates(self.home), many=True).data)


class Accept(HomeView):
    """Let a waiting device in; the home's voters then judge the block that admits it."""

    @extend_schema(request=AcceptIn, responses={202: DeviceOut})
    def post(self, request: Request, candidate_id: uuid.UUID) -> Response:
        body = valid(AcceptIn, request)
        names = body.pop("permissions", None)
        if names is not None:
            body["permissions"] = _bits(names)
        candidate = selectors.candidate_get(self.home, candidate_id)
        return Response(DeviceOut(services.device_accept(candidate=candidate, **body)).data, status=202)


class Refuse(HomeView):
    """Do not let a waiting device in."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, candidate_id: uuid.UUID) -> Response:
        candidate_refuse(candidate=selectors.candidate_get(self.home, candidate_id))
        return Response(status=204)


class PairingCodes(HomeView):
    """A new code to type into devices."""

    @extend_schema(request=CodeIn, responses={201: CodeOut})
    def post(self, request: Request) -> Response:
        code = pairing_code_create(household=self.home, **valid(CodeIn, request))
        return Response({"code": code}, status=201)


class Rotate(DeviceView):
    """A code with which the device's new key and certificate replace the old ones."""

    @extend_schema(request=None, responses={201: CodeOut})
    def post(self, request: Request, device_id: uuid.UUID) -> Response:
        device = self.device(device_id)
        return Response({"code": pairing_code_create(household=device.household, replaces=device)}, status=201)


class Permissions(DeviceView):
    """Say what a device may do."""

    @extend_schema(request=PermissionsIn, responses={202: ChangeOut})
    def put(self, request: Request, device_id: uuid.UUID) -> Response:
        bits = _bits(valid(PermissionsIn, request)["permissions"])
        change = services.device_set_permissions(device=self.device(device_id), permissions=bits)
        return Response(ChangeOut(change).data, status=202)


class Leave(DeviceView):
    """End a device's membership in peace."""

    @extend_schema(request=None, responses={202: ChangeOut})
    def post(self, request: Request, device_id: uuid.UUID) -> Response:
        return Response(ChangeOut(services.device_leave(device=self.device(device_id))).data, status=202)


class Revoke(DeviceView):
    """End a device's membership against its will."""

    @extend_schema(request=ReasonIn, responses={202: ChangeOut})
    def post(self, request: Request, device_id: uuid.UUID) -> Response:
        change = services.device_revoke(device=self.device(device_id), **valid(ReasonIn, request))
        return Response(ChangeOut(change).data, status=202)


class Quarantine(DeviceView):
    """Suspend a device until it is readmitted."""

    @extend_schema(request=ReasonIn, responses={202: ChangeOut})
    def post(self, request: Request, device_id: uuid.UUID) -> Response:
        change = services.device_quarantine(device=self.device(device_id), **valid(ReasonIn, request))
        return Response(ChangeOut(change).data, status=202)


class Readmit(DeviceView):
    """End a quarantine."""

    @extend_schema(request=None, responses={202: ChangeOut})
    def post(self, request: Request, device_id: uuid.UUID) -> Response:
        return Response(ChangeOut(services.device_readmit(device=self.device(device_id))).data, status=202)


class Changes(HomeView):
    """Changes of members that wait for their block."""

    @extend_schema(responses=ChangeOut(many=True))
    def get(self, request: Request) -> Response:
        return Response(ChangeOut(selectors.changes_open(self.home), many=True).data)


class Refusals(HomeView):
    """Readings refused or rejected, by device and code."""

    @extend_schema(responses=RefusalOut(many=True))
    def get(self, request: Request) -> Response:
        return Response(RefusalOut(selectors.refusals(self.home), many=True).data)


class Proposals(HomeView):
    """The newest proposals and their state."""

    @extend_schema(responses=ProposalOut(many=True))
    def get(self, request: Request) -> Response:
        return Response(ProposalOut(selectors.proposals(self.home)[:50], many=True).data)


class Void(HomeView):
    """The owner ends the open round; the next one may propose something else."""

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request) -> Response:
        proposal_void(household=self.home)
        return Response(status=204)


def _bits(names: list[str]) -> int:
    if len(set(names)) != len(names):
        raise InputError("A permission is named twice")
    return sum(selectors.PERMISSION_NAMES[name] for name in names)
