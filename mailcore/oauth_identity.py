"""Who signed in: the address in the id_token, or the provider's userinfo.

The id_token's signature is not verified: it came straight from the token endpoint over a verified
TLS connection, for which OpenID Connect Core 3.1.3.7 (6) allows it. The address decides nothing by
itself either: it keeps people from connecting the wrong mailbox, and the mail server has the last
word when the token is shown to it.
"""

from __future__ import annotations

import base64
import binascii
import json

from requests_oauthlib import OAuth2Session

from mailcore.oauth_errors import OAuthUnusable
from mailcore.oauth_providers import Provider

_ADDRESS_CLAIMS = ("email", "preferred_username", "upn")  # the latter two are Microsoft's


def read_id_token(id_token: str, client_id: str) -> dict[str, object]:
    """The claims of an id_token made for us; none for none. Raises OAuthUnusable."""
    if not id_token:
        return {}
    try:
        payload = id_token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error) as error:
        raise OAuthUnusable("id_token", "cannot be read") from error
    if not isinstance(claims, dict):
        raise OAuthUnusable("id_token", "cannot be read")
    audience = claims.get("aud")
    if client_id not in (audience if isinstance(audience, list) else [audience]):
        raise OAuthUnusable("id_token", "was made for another app")
    return claims


def read_address(claims: dict[str, object], session: OAuth2Session, provider: Provider) -> str:
    """The address in lower case; asks userinfo where the claims hold none. Raises OAuthUnusable."""
    found = _address_in(claims)
    if not found and provider.userinfo_url:
        answer = session.get(provider.userinfo_url, timeout=provider.timeout).json()
        found = _address_in(answer if isinstance(answer, dict) else {})
    if not found:
        raise OAuthUnusable("email", "the provider does not tell who signed in")
    return found


def _address_in(claims: dict[str, object]) -> str:
    if claims.get("email_verified") is False:
        claims = {name: value for name, value in claims.items() if name != "email"}
    values = (claims.get(name) for name in _ADDRESS_CLAIMS)
    addresses = (v.strip().lower() for v in values if isinstance(v, str))
    return next((a for a in addresses if "@" in a and len(a) <= 254), "")
