"""What operators see of accounts and schedules. Other apps register their own models."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django_celery_beat import admin as beat_admin
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from marketplace.accounts.models import ApiToken, User

admin.site.unregister(Group)  # rights come from a user's kind
# Whoever changes an address or a second factor can log in as that user, and the row of a factor holds its secret.
admin.site.unregister(EmailAddress)
admin.site.unregister(Authenticator)
for model in (PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
    admin.site.unregister(model)


class TokenInline(TabularInline):
    """The tokens of a user: they can be removed, not read or made."""

    model = ApiToken
    extra = 0
    fields = readonly_fields = ("label", "hint", "created_at", "last_used_at", "expires_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(ModelAdmin):
    """Operators lock accounts and see their kind; passwords and second factors stay with the users."""

    list_display = ("email", "kind", "is_active", "date_joined", "last_login")
    list_filter = ("kind", "is_active")
    search_fields = ("email",)
    fields = ("email", "kind", "is_active", "is_staff", "time_zone", "date_joined", "last_login")
    readonly_fields = ("email", "kind", "time_zone", "date_joined", "last_login")
    inlines = (TokenInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TaskChoice(UnfoldAdminSelectWidget, beat_admin.TaskSelectWidget):  # type: ignore[misc]
    """django-celery-beat's choice of registered tasks in the console's look."""


class PeriodicTaskForm(beat_admin.PeriodicTaskForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskChoice()


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(beat_admin.PeriodicTaskAdmin, ModelAdmin):  # type: ignore[misc]
    form = PeriodicTaskForm


@admin.register(IntervalSchedule)
class IntervalScheduleAdmin(ModelAdmin):
    list_display = ("__str__",)


@admin.register(CrontabSchedule)
class CrontabScheduleAdmin(beat_admin.CrontabScheduleAdmin, ModelAdmin):  # type: ignore[misc]
    pass


@admin.register(ClockedSchedule)
class ClockedScheduleAdmin(ModelAdmin):
    pass
