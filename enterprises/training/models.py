"""What an enterprise's node keeps of the jobs that it lets homes learn: the job, the homes that answered, the rounds.

The calls that a job makes on the two ledgers are rows of the wallet's outbox (``checkout.models.BuyerTransaction``).
"""

from __future__ import annotations

import uuid

from django.db import models

from enterprises.checkout.models import Enterprise
from marketplace.common.work import LeasedRow


class TrainingJob(LeasedRow):
    """One job. ``state`` moves by the machine alone, except where a member asks (see ``training.services``).

    ``winding`` is what is left to do once the job has ended: say so on the ledgers, and get the rest of the money back.
    """

    hearth_db = "enterprise"

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        NOTICED = "noticed", "The notice is on its way to the market's board"
        GATHERING = "gathering", "Homes answer"
        FUNDING = "funding", "Licences are being paid into escrow"
        WAITING = "waiting", "Waiting for homes to accept"
        RUNNING = "running", "Homes are learning"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Winding(models.TextChoices):
        NOTHING = "", "Not ended"
        ENDING = "ending", "The end is being written on the ledgers"
        REFUNDING = "refunding", "What is left goes back once the time for claims is over"
        DONE = "done", "Nothing is left to do"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    enterprise = models.ForeignKey(Enterprise, on_delete=models.CASCADE, related_name="trainings")
    created_by = models.BigIntegerField()
    service = models.CharField(max_length=48, help_text="Name of the service that the model will serve.")
    purpose = models.CharField(max_length=500)
    gather_s = models.PositiveIntegerField(help_text="How long the notice is open, in seconds.")
    plan = models.BinaryField(help_text="Canonical bytes of the plan.")
    plan_hash = models.CharField(max_length=64)
    nonce = models.CharField(max_length=64)
    ledger_job = models.CharField(max_length=64, unique=True, help_text="The job's id on both ledgers.")
    model_hash = models.CharField(max_length=64, help_text="Of the parameters that the job starts from.")
    state = models.CharField(max_length=12, choices=State.choices, default=State.DRAFT, db_index=True)
    winding = models.CharField(max_length=12, choices=Winding.choices, default=Winding.NOTHING, blank=True)
    reason = models.CharField(max_length=64, blank=True, help_text="Code of why it failed.")
    cancel_asked = models.BooleanField(default=False)
    repeat_of = models.OneToOneField("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="repeat")
    starts_at = models.DateTimeField(null=True, blank=True, help_text="Of a repeat: when its notice is posted.")

    closes_at = models.DateTimeField(null=True, blank=True)
    total = models.PositiveBigIntegerField(default=0, help_text="Credits that were confirmed, bonus included.")
    deadline_ms = models.PositiveBigIntegerField(default=0, help_text="Of the job on the ledgers, in block time.")
    accept_until_ms = models.PositiveBigIntegerField(default=0)
    cursor_height = models.PositiveBigIntegerField(default=0, help_text="Up to where the shared ledger was followed.")
    sealed_record = models.BinaryField(
        default=bytes, help_text="The coordinator's record, sealed under the node's key."
    )
    terms_sent = models.BooleanField(default=False)
    sent_bytes = models.PositiveBigIntegerField(default=0, help_text="Since the last step.")
    received_bytes = models.PositiveBigIntegerField(default=0, help_text="Since the last step.")

    estimate = models.JSONField(default=dict)
    rehearsal = models.JSONField(default=dict, help_text="The dry run on mocks.")
    happened = models.JSONField(default=dict)
    card = models.JSONField(default=dict)
    version = models.CharField(max_length=64, blank=True)
    version_note = models.CharField(max_length=64, blank=True, help_text="Code of why there is no version.")

    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "enterprises"
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.service} {self.state}"


class JobPeer(models.Model):
    """A home that answered, under the pseudonym that it made for this job.

    ``lots``: what it offers, each ``{"lot", "price", "licence", "records", "order", "accepted"}``.
    """

    hearth_db = "enterprise"

    class State(models.TextChoices):
        ANSWERED = "answered", "Answered the notice"
        ASKED = "asked", "Asked for a channel"
        APPROVED = "approved", "Asked which lots it offers"
        OFFERED = "offered", "Lots offered"
        READY = "ready", "Ready"
        CHOSEN = "chosen", "Licences paid, waiting for its yes"
        ACCEPTED = "accepted", "Takes part"
        DECLINED = "declined", "Declined"
        LEFT_OUT = "left_out", "Not asked"

    job = models.ForeignKey(TrainingJob, on_delete=models.CASCADE, related_name="peers")
    number = models.PositiveBigIntegerField(help_text="Of the answer on the market's board.")
    address = models.CharField(max_length=40, db_index=True)
    public_key = models.CharField(max_length=66)
    channel = models.CharField(max_length=64, blank=True, help_text="Fingerprint that the ledger names.")
    job_key = models.CharField(max_length=66, blank=True, help_text="Key for rounds that the ledger names.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.ANSWERED)
    reason = models.CharField(max_length=64, blank=True)
    lots = models.JSONField(default=list)
    mock = models.BooleanField(default=False)
    index = models.PositiveIntegerField(null=True, blank=True, help_text="Place in the cohort.")

    class Meta:
        app_label = "enterprises"
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["job", "address"], name="job_peer_once")]

    def __str__(self) -> str:
        return f"{self.address[:12]} {self.state}"


class JobStep(models.Model):
    """How one round went, as the coordinator's report has it. ``number`` is the round's on the ledger, 0 for none.

    ``worth``: what each place of the cohort added to the model in this round, where groups were opened apart.
    """

    hearth_db = "enterprise"

    job = models.ForeignKey(TrainingJob, on_delete=models.CASCADE, related_name="steps")
    sequence = models.PositiveIntegerField()
    step = models.PositiveIntegerField()
    number = models.PositiveIntegerField(default=0)
    kind = models.CharField(max_length=8)
    outcome = models.CharField(max_length=64)
    joined = models.PositiveIntegerField()
    survivors = models.JSONField(default=list, help_text="Places in the cohort.")
    updates = models.JSONField(default=list, help_text="Hashes of the survivors' masked vectors.")
    figures = models.JSONField(default=dict)
    epsilon_micro = models.PositiveBigIntegerField(default=0)
    began_ms = models.PositiveBigIntegerField()
    ended_ms = models.PositiveBigIntegerField()
    sent_bytes = models.PositiveBigIntegerField(default=0)
    received_bytes = models.PositiveBigIntegerField(default=0)
    worth = models.JSONField(default=dict)
    released = models.BooleanField(default=False, help_text="The homes have what they need to claim their share.")

    class Meta:
        app_label = "enterprises"
        ordering = ["sequence"]
        constraints = [models.UniqueConstraint(fields=["job", "sequence"], name="job_step_once")]

    def __str__(self) -> str:
        return f"round {self.sequence}: {self.outcome}"
