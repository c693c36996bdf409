"""Why a sign-in with Google or Microsoft came to nothing, in plain German, and what to do."""

from __future__ import annotations

from django.utils.translation import gettext as _

from mailaccounts.oauth_grants import WrongMailbox
from mailcore.oauth_errors import (
    OAuthDenied,
    OAuthError,
    OAuthInvalidGrant,
    OAuthMisconfigured,
    OAuthUnavailable,
)


def explain_sign_in(error: OAuthError | WrongMailbox, provider: str) -> str:
    """One or two sentences; `provider` is its name as people know it."""
    if isinstance(error, WrongMailbox):
        return _(
            "Sie haben sich als %(signed_in)s angemeldet, gebraucht wird aber %(mailbox)s. Wählen "
            "Sie beim Anmelden das richtige Konto. Ist das Postfach für Sie nur freigegeben, muss "
            "beim Account „freigegebenes Postfach“ angekreuzt sein."
        ) % {"signed_in": error.signed_in, "mailbox": error.mailbox}
    if isinstance(error, OAuthDenied) and error.code == "scope":
        return _(
            "%(provider)s hat den Zugriff auf die E-Mails nicht erlaubt. Melden Sie sich noch einmal "
            "an und lassen Sie alle Häkchen gesetzt: Sonst kann Poststelle nichts abholen und senden."
        ) % {"provider": provider}
    if isinstance(error, OAuthDenied):
        return _(
            "Sie haben den Zugriff bei %(provider)s abgelehnt. Es wurde nichts geändert. Ohne die "
            "Erlaubnis kann Poststelle das Postfach nicht öffnen."
        ) % {"provider": provider}
    if isinstance(error, OAuthMisconfigured):
        return _(
            "%(provider)s erkennt diese Poststelle nicht an (%(detail)s). Die Administration muss "
            "Client-ID, Geheimnis und Weiterleitungsadresse in den Grundeinstellungen prüfen."
        ) % {"provider": provider, "detail": error}
    if isinstance(error, OAuthUnavailable):
        return _(
            "%(provider)s ist zurzeit nicht erreichbar. Versuchen Sie es in einigen Minuten noch "
            "einmal."
        ) % {"provider": provider}
    if isinstance(error, OAuthInvalidGrant):
        return _(
            "Die Anmeldung bei %(provider)s war schon verbraucht oder abgelaufen. Bitte melden Sie "
            "sich noch einmal an."
        ) % {"provider": provider}
    return _(
        "Die Antwort von %(provider)s passt nicht zu dieser Anmeldung. Bitte melden Sie sich noch "
        "einmal an, im selben Browser."
    ) % {"provider": provider}
