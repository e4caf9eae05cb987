"""The organisation and who acts for it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from chain.wallets.address import address_text
from enterprises.checkout import selectors, services
from enterprises.checkout.models import Member
from enterprises.errors import MemberUnknown, NotAdmin
from enterprises.forms import MemberForm, RoleForm
from enterprises.views.access import member_page, show
from enterprises.views.reads import people
from marketplace.common.errors import HearthError


@require_GET
@member_page
def organisation(request: HttpRequest, member: Member) -> HttpResponse:
    """Name, accreditation, members."""
    return show(request, "enterprises/organisation.html", _context(member, MemberForm()))


@require_POST
@member_page
def member_add(request: HttpRequest, member: Member) -> HttpResponse:
    """Let another account act for the enterprise; administrators only."""
    form = MemberForm(request.POST)
    if form.is_valid():
        try:
            _add(member, form.cleaned_data["email"], form.cleaned_data["role"])
        except HearthError as error:
            form.add_error("email", f"{error.title}.")
        else:
            messages.success(request, "Added.")
            return redirect("enterprises:organisation")
    return show(request, "enterprises/organisation.html", _context(member, form), status=400)


@require_POST
@member_page
def member_change(request: HttpRequest, member: Member, user_id: int) -> HttpResponse:
    """Make a member administrator or buyer; administrators only."""
    form = RoleForm(request.POST)
    if form.is_valid():
        services.member_change(actor=member, user_id=user_id, role=form.cleaned_data["role"])
        messages.success(request, "Changed.")
    else:
        messages.error(request, "A member is administrator or buyer.")
    return redirect("enterprises:organisation")


@require_POST
@member_page
def member_remove(request: HttpRequest, member: Member, user_id: int) -> HttpResponse:
    """A member no longer acts for the enterprise; administrators only."""
    services.member_remove(actor=member, user_id=user_id)
    if user_id == member.user_id:
        return redirect("enterprises:register")
    messages.success(request, "Removed.")
    return redirect("enterprises:organisation")


def _add(member: Member, email: str, role: str) -> None:
    """Raises ``NotAdmin`` before it looks for the account, so that a buyer can't find out who has one."""
    if member.role != Member.Role.ADMIN:
        raise NotAdmin
    user = selectors.user_by_email(email)
    if user is None:
        raise MemberUnknown("There is no enterprise account with this e-mail address.")
    services.member_add(actor=member, user_id=user.pk, role=role)


def _context(member: Member, form: MemberForm) -> dict[str, Any]:
    return {
        "enterprise": member.enterprise,
        "address": address_text(bytes.fromhex(member.enterprise.wallet.address)),
        "me": member,
        "is_admin": member.role == Member.Role.ADMIN,
        "people": people(selectors.members(member.enterprise)),
        "form": form,
    }
