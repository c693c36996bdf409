"""The few ways in which mail servers and messages fail. Library errors are translated once, here below.

`kind` is a stable keyword: the screens hold one plain-German remedy for each. `detail` is what the
server said, with secrets masked; `step` is where it happened.
"""

from __future__ import annotations

from enum import StrEnum


class Step(StrEnum):
    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    GREETING = "greeting"  # IMAP greeting, SMTP banner and EHLO
    LOGIN = "login"
    LIST = "list"
    SELECT = "select"
    FETCH = "fetch"
    STORE = "store"
    APPEND = "append"
    IDLE = "idle"
    MAIL = "mail"  # MAIL FROM
    RCPT = "rcpt"
    DATA = "data"  # the DATA command itself: nothing of the message has been sent
    BODY = "body"  # the message is on its way or waits for its answer: failure here is uncertain
    QUIT = "quit"


class Kind(StrEnum):
    HOST_UNKNOWN = "host_unknown"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    DISCONNECTED = "disconnected"
    NOT_THIS_PROTOCOL = "not_this_protocol"
    TLS_EXPIRED = "tls_expired"
    TLS_NAME = "tls_name"
    TLS_SELF_SIGNED = "tls_self_signed"
    TLS_UNTRUSTED = "tls_untrusted"
    TLS_FAILED = "tls_failed"
    TLS_ON_PLAIN_PORT = "tls_on_plain_port"
    STARTTLS_MISSING = "starttls_missing"
    PASSWORD_MISSING = "password_missing"  # noqa: S105  # or saved for another server
    LOGIN_FAILED = "login_failed"
    LOGIN_NEEDS_TLS = "login_needs_tls"
    LOGIN_NEEDS_APP_PASSWORD = "login_needs_app_password"  # noqa: S105
    LOGIN_NEEDS_OAUTH = "login_needs_oauth"
    LOGIN_UNSUPPORTED = "login_unsupported"
    OAUTH_REFUSED = "oauth_refused"  # the mail server refuses the access token
    OAUTH_SIGN_IN = "oauth_sign_in"  # nobody has signed in with the provider, or not any more
    OAUTH_APP = "oauth_app"  # the provider refuses our registration
    OAUTH_FOREIGN_SERVER = "oauth_foreign_server"  # tokens do not go to this server
    FOLDER_MISSING = "folder_missing"
    SENDER_REFUSED = "sender_refused"
    RECIPIENT_REFUSED = "recipient_refused"
    MESSAGE_REFUSED = "message_refused"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    SERVER_BUSY = "server_busy"
    SERVER_ERROR = "server_error"  # NO/BAD or a code that fits nothing above


# The server was there, but did not let this account in.
LOGIN_KINDS = frozenset(
    {
        Kind.LOGIN_FAILED,
        Kind.LOGIN_NEEDS_TLS,
        Kind.LOGIN_NEEDS_APP_PASSWORD,
        Kind.LOGIN_NEEDS_OAUTH,
        Kind.LOGIN_UNSUPPORTED,
        Kind.OAUTH_REFUSED,
        Kind.OAUTH_SIGN_IN,
        Kind.OAUTH_APP,
        Kind.OAUTH_FOREIGN_SERVER,
    }
)


class MailError(Exception):
    """A mail server did not do what it was asked to."""

    def __init__(self, kind: Kind, step: Step, detail: str = "", code: int = 0) -> None:
        super().__init__(f"{step}: {kind}: {detail}" if detail else f"{step}: {kind}")
        self.kind = kind
        self.step = step
        self.detail = detail
        self.code = code  # SMTP reply code; 0 where there is none


class InvalidDraft(ValueError):
    """A message cannot be built from these values. `field` names the value at fault."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason  # stable keyword: "line-break", "bad-address", "no-recipient", …


class TooLarge(InvalidDraft):
    """The server is known to take no message of this size. Both in bytes, as transferred."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__("files", "too-large")
        self.size = size
        self.limit = limit
