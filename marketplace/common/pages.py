"""Pages for refusals and faults: what happened, why, what to do next."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import requires_csrf_token

from marketplace.common.errors import HearthError
from marketplace.common.problem import problem_json

API = "/api/"


class NoSuchPage(HearthError):
    code = "page_not_found"
    http_status = 404
    title = "There is no such page"
    hint = "Check the address, or go back to where you came from."


class PageForbidden(HearthError):
    code = "page_forbidden"
    http_status = 403
    title = "This page is not yours to see"
    hint = "Log in with the account that it belongs to."


class PageBadRequest(HearthError):
    code = "page_bad_request"
    http_status = 400
    title = "Your browser sent something that Hearth can't read"
    hint = "Go back, reload the page and try again."


class FormExpired(HearthError):
    code = "form_expired"
    http_status = 403
    title = "The form had gone stale"
    hint = "Go back, reload the page and send it again. Cookies must be allowed."


class ServerFault(HearthError):
    code = "server_fault"
    http_status = 500
    title = "Something broke on our side"
    hint = "Nothing you sent was lost on purpose. Try again in a minute; if it stays, tell the operator what you did."


def error_page(request: HttpRequest, error: HearthError) -> HttpResponse:
    """The page for ``error``; an htmx request gets the same text as a small fragment that becomes a toast."""
    htmx = getattr(request, "htmx", None)
    fragment = htmx is not None and bool(htmx) and not htmx.boosted
    template = "errors/error.html#notice" if fragment else "errors/error.html"
    response = render(request, template, {"error": error}, status=error.http_status)
    if fragment:
        response["HX-Retarget"] = "#toasts"
        response["HX-Reswap"] = "beforeend"
    return response


def _told(request: HttpRequest, error: HearthError) -> HttpResponse:
    """A program that asks for an address of the API gets a problem, whoever else a page."""
    return problem_json(error) if request.path.startswith(API) else error_page(request, error)


@requires_csrf_token
def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _told(request, NoSuchPage())


@requires_csrf_token
def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _told(request, PageForbidden())


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _told(request, PageBadRequest())


@requires_csrf_token
def server_fault(request: HttpRequest) -> HttpResponse:
    if request.path.startswith(API):
        return problem_json(ServerFault())
    return render(request, "errors/500.html", {"error": ServerFault()}, status=500)


@requires_csrf_token
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_page(request, FormExpired())
