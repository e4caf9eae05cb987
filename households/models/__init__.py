"""All models of the app, in the rooms that own them; raw readings are reached through ``households.uploads`` only."""

from __future__ import annotations

from households.models.advice import AdviceCall, AdviceOrder, Inquiry, LocalModel, ModelRun, RankedOffer
from households.models.base import HOME, HomeModel
from households.models.device import Candidate, Device, PairingCode, RefusalCount
from households.models.household import Activity, Consent, HomeWallet, Household, SharingRule, TunedLimit
from households.models.learning import ConsentEvent, ConsentRule, EpsilonEntry, LearningSettings
from households.models.ledger import BlockProposal, DeviceVote, FaultEvidence, MembershipChange
from households.models.participation import (
    LearningCursor,
    Participation,
    ParticipationClaim,
    ParticipationOrder,
    ParticipationRound,
    VersionProof,
)
from households.uploads.models import Batch, HubOrder, Lot, Sweep, UploadSchedule

__all__ = [
    "HOME",
    "Activity",
    "AdviceCall",
    "AdviceOrder",
    "Batch",
    "BlockProposal",
    "Candidate",
    "Consent",
    "ConsentEvent",
    "ConsentRule",
    "Device",
    "DeviceVote",
    "EpsilonEntry",
    "FaultEvidence",
    "HomeModel",
    "HomeWallet",
    "Household",
    "HubOrder",
    "Inquiry",
    "LearningCursor",
    "LearningSettings",
    "LocalModel",
    "Lot",
    "MembershipChange",
    "ModelRun",
    "PairingCode",
    "Participation",
    "ParticipationClaim",
    "ParticipationOrder",
    "ParticipationRound",
    "RankedOffer",
    "RefusalCount",
    "SharingRule",
    "Sweep",
    "TunedLimit",
    "UploadSchedule",
    "VersionProof",
]  # fmt: skip
