"""The few ways in which signing in with a provider fails."""

from __future__ import annotations


class OAuthError(Exception):
    """`code` is the provider's keyword (RFC 6749 5.2) or ours, `detail` its words; never a secret."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class OAuthDenied(OAuthError):
    """The person did not consent, or not to all that is needed."""


class OAuthInvalidGrant(OAuthError):
    """The code or the refresh token is worth nothing (any more): somebody must sign in again."""


class OAuthMisconfigured(OAuthError):
    """Our registration with the provider is wrong: an admin must act, the grants are untouched."""


class OAuthUnusable(OAuthError):
    """The provider's answer does not belong to this sign-in or lacks what we need."""


class OAuthUnavailable(OAuthError):
    """The provider cannot be reached or is not well: temporary."""


_TEMPORARY = {"temporarily_unavailable", "server_error", "slow_down", "missing_token"}
_DENIED = {"access_denied"}
# The latter three: Microsoft's conditional access wants to see the person again.
_DEAD = {"invalid_grant", "interaction_required", "login_required", "consent_required"}


def error_of(code: str, description: str) -> OAuthError:
    """The error for a provider's keyword. What is not known concerns our registration."""
    detail = " ".join(description.split())[:300]
    if code in _DEAD:
        return OAuthInvalidGrant(code, detail)
    if code in _DENIED:
        return OAuthDenied(code, detail)
    if code in _TEMPORARY:
        return OAuthUnavailable(code, detail)
    return OAuthMisconfigured(code[:60], detail)
