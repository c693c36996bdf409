"""`[company.google]` and `[company.microsoft]`: the registrations with the providers of OAuth."""

from __future__ import annotations

from django.utils.translation import gettext as _

from company.models import CompanySettings
from mailaccounts.oauth_apps import oauth_app, save_oauth_app
from mailcore.oauth_errors import OAuthMisconfigured
from mailcore.oauth_providers import GOOGLE, MICROSOFT, OAuthApp
from poststelle.provision.read import Entry, ProvisionError

PROVIDERS = (GOOGLE, MICROSOFT)


def set_oauth_app(entry: Entry) -> list[str]:
    """Stores what differs; the keys that did. Raises ProvisionError.

    The same secret is not sealed anew, and a new client id must bring its own.
    """
    key, values = entry.block.name, {name: str(value) for name, value in entry.values.items()}
    stored = _stored(key)
    wanted = {
        "client_id": values.get("client_id", stored.client_id).strip(),
        "client_secret": values.get("client_secret", "").strip(),
        "tenant": values.get("tenant", stored.tenant).strip().lower(),
    }
    if key == MICROSOFT and not OAuthApp("", "", "", wanted["tenant"]).has_valid_tenant:
        reason = _("erwartet wird die Verzeichnis-ID, „organizations“ oder „consumers“.")
        raise ProvisionError(entry.line_of("tenant"), f"company.{key}.tenant", reason)
    before = {
        "client_id": stored.client_id,
        "client_secret": stored.client_secret if wanted["client_secret"] else "",
        "tenant": stored.tenant,
    }
    changed = [name for name, value in wanted.items() if before[name] != value]
    if changed and not save_oauth_app(key, **wanted):
        reason = _("zu einer anderen Client-ID gehört ihr eigenes Geheimnis.")
        raise ProvisionError(entry.line_of("client_id"), f"company.{key}.client_secret", reason)
    return changed


def _stored(key: str) -> OAuthApp:
    """What is there now; without its secret where that cannot be read."""
    company = CompanySettings.load()
    tenant = company.oauth_microsoft_tenant if key == MICROSOFT else ""
    try:
        return oauth_app(key)
    except OAuthMisconfigured:
        return OAuthApp(getattr(company, f"oauth_{key}_client_id"), "", "", tenant)
