"""HTTP sessions to authorisation servers: trusted authorities, no redirects, no half answers."""

from __future__ import annotations

import ssl
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests_oauthlib import OAuth2Session

from mailcore.oauth_errors import OAuthMisconfigured, OAuthUnavailable
from mailcore.oauth_providers import Provider

_LARGEST_ANSWER = 1 << 20


class _Adapter(HTTPAdapter):
    """Trusts the system's authorities and one of our own, as the connections to mail servers do."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)


def prepare_session(session: OAuth2Session, provider: Provider) -> None:
    """Makes a fresh session fit for tokens. Raises OAuthMisconfigured for a missing `ca_file`."""
    context = ssl.create_default_context()
    if provider.ca_file:
        try:
            context.load_verify_locations(cafile=provider.ca_file)
        except OSError as error:
            raise OAuthMisconfigured("ca_file", str(error)) from error
    session.mount("https://", _Adapter(context))
    session.max_redirects = 0  # a token goes where we send it and nowhere else
    session.hooks["response"].append(_check_answer)


def _check_answer(response: requests.Response, *_args: object, **_kwargs: object) -> None:
    """Everything that is no answer of an authorisation server is a failure of it, not of a grant."""
    if response.status_code >= 500 or response.status_code == requests.codes.too_many_requests:
        raise OAuthUnavailable(str(response.status_code), "the provider is not well")
    if int(response.headers.get("Content-Length") or 0) > _LARGEST_ANSWER:
        raise OAuthUnavailable("answer", "the provider's answer is too large")
