"""What operators see of homes: schedules and states under opaque ids. No name, no reading, no key."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from households.models import HOME, Batch, Household, UploadSchedule
from households.services.schedules import beat_sync


class HomeAdmin(ModelAdmin):
    """Rows of the ``home`` database, to be looked at."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).using(HOME)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Household)
class HouseholdAdmin(HomeAdmin):
    """Whether homes run."""

    list_display = ("id", "state", "halted_code", "created_at")
    list_filter = ("state",)
    fields = readonly_fields = ("id", "state", "halted_code", "created_at")
    search_fields = ("id",)


@admin.register(Batch)
class BatchAdmin(HomeAdmin):
    """How far batches have come, and what is in their way."""

    list_display = ("id", "state", "label", "voters", "tries", "last_error_code", "created_at", "done_at")
    list_filter = ("state", "label")
    fields = readonly_fields = (
        "id", "state", "round", "height", "label", "voters", "tries", "last_error_code", "next_try_at", "created_at",
        "done_at",
    )  # fmt: skip
    search_fields = ("id",)


@admin.register(UploadSchedule)
class ScheduleAdmin(HomeAdmin):
    """When homes close batches. An operator may stop or start one, for instance while the market is being moved."""

    list_display = ("household_id", "text", "zone", "enabled", "next_due_at")
    list_filter = ("enabled",)
    fields = ("household_id", "text", "zone", "enabled", "next_due_at")
    readonly_fields = ("household_id", "text", "zone", "next_due_at")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def save_model(self, request: HttpRequest, obj: UploadSchedule, form: Any, change: bool) -> None:
        UploadSchedule.objects.using(HOME).filter(pk=obj.pk).update(enabled=obj.enabled)
        beat_sync(schedule=obj)
