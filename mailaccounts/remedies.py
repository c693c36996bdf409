"""What the failures of mail servers mean, in plain German: what happened, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from mailcore.errors import Kind, Step

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise


@dataclass(frozen=True, slots=True)
class Explanation:
    happened: str
    remedy: str


_K = Kind
_TEXTS: dict[Kind, tuple[_StrOrPromise, _StrOrPromise]] = {
    _K.HOST_UNKNOWN: (
        _("Den Servernamen gibt es nicht."),
        _(
            "Prüfen Sie die Schreibweise. Der Anbieter nennt den Namen in seiner Hilfe, oft "
            "imap.… und smtp.…"
        ),
    ),
    _K.REFUSED: (
        _("Der Server weist die Verbindung ab."),
        _(
            "Der Port stimmt vermutlich nicht. Üblich sind 993 oder 143 (IMAP), 465 oder 587 "
            "(SMTP)."
        ),
    ),
    _K.UNREACHABLE: (
        _("Der Server ist nicht erreichbar."),
        _("Prüfen Sie die Internetverbindung und ob eine Firewall den Port sperrt."),
    ),
    _K.TIMEOUT: (
        _("Der Server antwortet nicht."),
        _(
            "Meist stimmt der Port nicht oder eine Firewall sperrt ihn. Prüfen Sie Port und "
            "Verschlüsselung."
        ),
    ),
    _K.DISCONNECTED: (
        _("Der Server hat die Verbindung getrennt."),
        _(
            "Versuchen Sie es in einigen Minuten noch einmal. Bleibt es dabei, passen Port "
            "und Verschlüsselung nicht zusammen."
        ),
    ),
    _K.NOT_THIS_PROTOCOL: (
        _("Dort antwortet ein anderer Dienst."),
        _("Prüfen Sie Server und Port: 993 und 143 gehören zu IMAP, 465, 587 und 25 zu SMTP."),
    ),
    _K.TLS_EXPIRED: (
        _("Das Zertifikat des Servers ist abgelaufen."),
        _(
            "Der Betreiber des Mailservers muss es erneuern. Bis dahin verbindet sich "
            "Poststelle nicht."
        ),
    ),
    _K.TLS_NAME: (
        _("Das Zertifikat gilt für einen anderen Servernamen."),
        _(
            "Tragen Sie den Namen ein, auf den das Zertifikat lautet. Der Anbieter nennt ihn "
            "in seiner Hilfe."
        ),
    ),
    _K.TLS_SELF_SIGNED: (
        _("Das Zertifikat hat der Server selbst ausgestellt."),
        _(
            "Der Betreiber braucht ein anerkanntes Zertifikat. Für eine eigene "
            "Zertifizierungsstelle kann sie bei der Installation hinterlegt werden "
            "(POSTSTELLE_TLS_CA_FILE)."
        ),
    ),
    _K.TLS_UNTRUSTED: (
        _("Dem Zertifikat des Servers ist nicht zu trauen."),
        _(
            "Die ausstellende Stelle ist unbekannt oder die Zertifikatskette unvollständig. "
            "Der Betreiber des Mailservers muss das beheben."
        ),
    ),
    _K.TLS_FAILED: (
        _("Die Verschlüsselung kam nicht zustande."),
        _(
            "Probieren Sie die andere Verschlüsselung mit ihrem Port: SSL mit 993 oder 465, "
            "STARTTLS mit 143 oder 587."
        ),
    ),
    _K.TLS_ON_PLAIN_PORT: (
        _("Dieser Port erwartet zunächst keine Verschlüsselung."),
        _("Wählen Sie STARTTLS, oder SSL mit Port 993 (IMAP) bzw. 465 (SMTP)."),
    ),
    _K.STARTTLS_MISSING: (
        _("Der Server bietet STARTTLS nicht an."),
        _("Wählen Sie SSL mit Port 993 (IMAP) bzw. 465 (SMTP)."),
    ),
    _K.LOGIN_FAILED: (
        _("Benutzername oder Passwort stimmt nicht."),
        _(
            "Prüfen Sie beide. Manche Anbieter verlangen die ganze E-Mail-Adresse als "
            "Benutzernamen oder müssen IMAP und SMTP erst freischalten."
        ),
    ),
    _K.LOGIN_NEEDS_TLS: (
        _("Der Server nimmt das Passwort nur verschlüsselt an."),
        _("Wählen Sie SSL oder STARTTLS."),
    ),
    _K.LOGIN_NEEDS_APP_PASSWORD: (
        _("Der Anbieter verlangt ein App-Passwort."),
        _(
            "Legen Sie beim Anbieter ein App-Passwort an und tragen Sie es hier statt des "
            "gewöhnlichen ein."
        ),
    ),
    _K.LOGIN_NEEDS_OAUTH: (
        _("Der Anbieter nimmt kein Passwort mehr an."),
        _(
            "Wählen Sie als Anmeldung „Google OAuth“ oder „Microsoft 365 OAuth“ (einmal "
            "einzurichten in den Grundeinstellungen). Manche Anbieter erlauben stattdessen ein "
            "App-Passwort."
        ),
    ),
    _K.LOGIN_UNSUPPORTED: (
        _("Der Server bietet keine passende Anmeldung an."),
        _(
            "Stellen Sie die Anmeldung um. Ein Server im eigenen Netz erlaubt das Senden oft "
            "ohne Anmeldung („keine“)."
        ),
    ),
    _K.OAUTH_REFUSED: (
        _("Der Server lässt die angemeldete Person nicht in das Postfach."),
        _(
            "Prüfen Sie, ob sie mit dem richtigen Konto angemeldet ist, ob IMAP und SMTP für das "
            "Postfach eingeschaltet sind und, bei einem freigegebenen Postfach, ob die Freigabe "
            "besteht."
        ),
    ),
    _K.OAUTH_SIGN_IN: (
        _("Die Anmeldung beim Anbieter fehlt oder gilt nicht mehr."),
        _("Der Besitzer des Postfachs muss sich neu anmelden."),
    ),
    _K.OAUTH_APP: (
        _("Der Anbieter erkennt diese Poststelle nicht an."),
        _(
            "Prüfen Sie in den Grundeinstellungen Client-ID, Geheimnis und Verzeichnis-ID. "
            "Ein Geheimnis läuft beim Anbieter nach einiger Zeit ab."
        ),
    ),
    _K.OAUTH_FOREIGN_SERVER: (
        _("Die Anmeldung beim Anbieter gilt nicht für diesen Server."),
        _(
            "Tragen Sie die Server des Anbieters ein, z. B. imap.gmail.com oder "
            "outlook.office365.com."
        ),
    ),
    _K.PASSWORD_MISSING: (
        _("Für diesen Server ist kein Passwort gespeichert."),
        _("Öffnen Sie den Account und geben Sie das Passwort neu ein."),
    ),
    _K.FOLDER_MISSING: (
        _("Den Ordner gibt es im Postfach nicht."),
        _("[Ordner abrufen] zeigt, welche es gibt."),
    ),
    _K.SENDER_REFUSED: (
        _("Der Server erlaubt diesen Absender nicht."),
        _(
            "Tragen Sie als „Sender E-Mailadresse“ die Adresse des Postfachs ein oder lassen "
            "Sie die andere beim Anbieter freischalten."
        ),
    ),
    _K.RECIPIENT_REFUSED: (
        _("Der Server nimmt den Empfänger nicht an."),
        _("Prüfen Sie die E-Mail-Adresse des Empfängers."),
    ),
    _K.MESSAGE_REFUSED: (
        _("Der Server hat die Nachricht abgelehnt."),
        _("Die technischen Details nennen den Grund des Servers."),
    ),
    _K.TOO_LARGE: (
        _("Die Nachricht ist dem Server zu groß, oder das Postfach ist voll."),
        _("Verkleinern Sie die Anhänge oder schaffen Sie im Postfach Platz."),
    ),
    _K.RATE_LIMITED: (
        _("Der Anbieter bremst: zu viele Verbindungen oder Nachrichten."),
        _(
            "Poststelle wartet von selbst. Hilft das nicht, begrenzen Sie „Nachrichten je "
            "Minute“ oder „Gleichzeitige Verbindungen“."
        ),
    ),
    _K.SERVER_BUSY: (
        _("Der Server ist zurzeit überlastet."),
        _("Versuchen Sie es in einigen Minuten noch einmal."),
    ),
    _K.SERVER_ERROR: (
        _("Der Server meldet einen Fehler."),
        _("Die technischen Details nennen den Grund des Servers."),
    ),
}
# Where the same failure means something else.
_AT_STEP: dict[tuple[Kind, Step], tuple[_StrOrPromise, _StrOrPromise]] = {
    (_K.TIMEOUT, Step.RESOLVE): (
        _("Die Namensauskunft antwortet nicht."),
        _("Prüfen Sie die Internetverbindung des Rechners, auf dem Poststelle läuft."),
    ),
    (_K.TIMEOUT, Step.GREETING): (
        _("Der Server nimmt die Verbindung an, sagt aber nichts."),
        _(
            "Meist ist die Verschlüsselung falsch gewählt: SSL gehört zu 993 oder 465, "
            "STARTTLS zu 143 oder 587."
        ),
    ),
    (_K.TIMEOUT, Step.LOGIN): (
        _("Der Server beantwortet die Anmeldung nicht."),
        _("Versuchen Sie es in einigen Minuten noch einmal."),
    ),
    (_K.DISCONNECTED, Step.GREETING): (
        _("Der Server hat sofort wieder aufgelegt."),
        _(
            "Er ist überlastet, wird gewartet oder sperrt diesen Rechner. Versuchen Sie es in "
            "einigen Minuten noch einmal; die technischen Details nennen, was er sagt."
        ),
    ),
    (_K.SERVER_ERROR, Step.GREETING): (
        _("Der Server nimmt von diesem Rechner keine Verbindung an."),
        _(
            "Vielleicht steht die Internetadresse auf einer Sperrliste. Fragen Sie den Betreiber; "
            "die technischen Details nennen den Grund des Servers."
        ),
    ),
    (_K.LOGIN_FAILED, Step.MAIL): (
        _("Der Server verlangt eine Anmeldung, bevor er E-Mails annimmt."),
        _("Stellen Sie „SMTP-Authentifizierung“ auf „Standard (Benutzername/Passwort)“."),
    ),
    (_K.DISCONNECTED, Step.LOGIN): (
        _("Der Server hat bei der Anmeldung aufgelegt."),
        _(
            "Prüfen Sie Benutzername und Passwort; nach vielen Fehlversuchen sperren manche "
            "Anbieter den Zugang für einige Zeit."
        ),
    ),
}


def explain(kind: str, step: str = "") -> Explanation:
    """What a failure means. Unknown keywords (of an older version, say) are a server error."""
    known = Kind(kind) if kind in Kind.__members__.values() else Kind.SERVER_ERROR
    at = Step(step) if step in Step.__members__.values() else None
    happened, remedy = (at and _AT_STEP.get((known, at))) or _TEXTS[known]
    return Explanation(str(happened), str(remedy))
