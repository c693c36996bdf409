"""Who may do what: one table of rights by role. Objects are narrowed further by `visible_to(user)`."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from django.core.exceptions import PermissionDenied

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

    from company.models import User

P = ParamSpec("P")
R = TypeVar("R", bound="HttpResponseBase")


class Right(StrEnum):
    SEE_TICKETS = "see_tickets"
    ANSWER_TICKETS = "answer_tickets"
    SEE_DOCUMENTS = "see_documents"
    EDIT_DOCUMENTS = "edit_documents"  # and dispatch them
    SEE_OUTBOX = "see_outbox"  # of the accounts one may see
    MANAGE_OUTBOX = "manage_outbox"
    SEND_MAIL = "send_mail"  # with the accounts one may send with
    SEE_ADDRESSES = "see_addresses"
    EDIT_ADDRESSES = "edit_addresses"
    SEE_ARCHIVE = "see_archive"
    SEE_PERSONAL_MAIL = "see_personal_mail"  # of accounts assigned to other employees
    SEE_SETTINGS = "see_settings"
    ADMINISTER = "administer"


_READ = frozenset(
    {
        Right.SEE_TICKETS,
        Right.SEE_DOCUMENTS,
        Right.SEE_OUTBOX,
        Right.SEE_ADDRESSES,
        Right.SEE_ARCHIVE,
    }
)
_WORK = _READ | {
    Right.ANSWER_TICKETS,
    Right.MANAGE_OUTBOX,
    Right.SEND_MAIL,
    Right.EDIT_ADDRESSES,
}

RIGHTS_OF_ROLE: dict[str, frozenset[Right]] = {
    "admin": _WORK | {Right.EDIT_DOCUMENTS, Right.SEE_SETTINGS, Right.ADMINISTER},
    "staff": _WORK | {Right.EDIT_DOCUMENTS},
    "support": _WORK,
    "auditor": _READ | {Right.SEE_PERSONAL_MAIL, Right.SEE_SETTINGS},
}


def has_right(user: User, right: Right) -> bool:
    return user.is_active and right in RIGHTS_OF_ROLE.get(user.role, frozenset())


def needs(
    right: Right, *, to_change: Right | None = None
) -> Callable[[Callable[Concatenate[HttpRequest, P], R]], Callable[Concatenate[HttpRequest, P], R]]:
    """View decorator: 403 without `right`; requests that change something need `to_change` too."""

    def decorate(
        view: Callable[Concatenate[HttpRequest, P], R],
    ) -> Callable[Concatenate[HttpRequest, P], R]:
        @wraps(view)
        def checked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R:
            user = signed_in(request)
            if not has_right(user, right):
                raise PermissionDenied
            if (
                to_change
                and request.method not in {"GET", "HEAD"}
                and not has_right(user, to_change)
            ):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return checked

    return decorate


def signed_in(request: HttpRequest) -> User:
    """The signed-in user of a view behind LoginRequiredMiddleware."""
    from company.models import User

    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
