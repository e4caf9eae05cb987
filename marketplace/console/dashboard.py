"""The front page of the console: how many there are of what, over the deployment's own databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from django_celery_results.models import TaskResult

from marketplace.accounts.models import ApiToken, Kind, User

RECENT = timedelta(days=1)


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """unfold's hook: adds ``figures`` (text and number) to the front page."""
    since = timezone.now() - RECENT
    users = User.objects.filter(is_active=True)
    context["figures"] = [
        ("Home owners", users.filter(kind=Kind.OWNER).count()),
        ("Members of enterprises", users.filter(kind=Kind.ENTERPRISE).count()),
        ("Operators", users.filter(kind=Kind.OPERATOR).count()),
        ("New accounts, last day", users.filter(date_joined__gte=since).count()),
        ("API tokens", ApiToken.objects.filter(expires_at__gt=timezone.now()).count()),
        ("Schedules that are on", PeriodicTask.objects.filter(enabled=True).count()),
        ("Failed tasks, last day", TaskResult.objects.filter(status="FAILURE", date_done__gte=since).count()),
    ]
    return context
