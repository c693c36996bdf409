"""Sign-ins that were begun and not yet answered, in the person's session: state and PKCE verifier."""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.http import HttpRequest

from mailcore.oauth import AuthorizationStart

_NAME = "oauth_sign_ins"
_SECONDS = 20 * 60
_MOST = 5  # several tabs, or a person who goes back and starts again


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    provider: str
    start: AuthorizationStart
    account_id: int  # 0: for no account in particular
    from_account_page: bool


def keep(request: HttpRequest, pending: PendingSignIn) -> None:
    """Remembers it until the browser comes back, for 20 minutes at most."""
    waiting = _waiting(request)
    waiting[pending.start.state] = [
        pending.provider,
        pending.start.code_verifier,
        pending.account_id,
        pending.from_account_page,
        time.time(),
    ]
    request.session[_NAME] = dict(list(waiting.items())[-_MOST:])


def take(request: HttpRequest, provider: str) -> PendingSignIn | None:
    """The sign-in the browser answers, once; None for a strange or late answer."""
    state = request.GET.get("state", "")
    waiting = _waiting(request)
    found = waiting.pop(state, None)
    request.session[_NAME] = waiting
    if found is None or found[0] != provider:
        return None
    key, verifier, account_id, from_account_page, _begun = found
    start = AuthorizationStart("", state, str(verifier))
    return PendingSignIn(str(key), start, int(account_id), bool(from_account_page))


def _waiting(request: HttpRequest) -> dict[str, list[str | int | float | bool]]:
    oldest = time.time() - _SECONDS
    kept = request.session.get(_NAME, {})
    return {state: values for state, values in kept.items() if values[4] > oldest}
