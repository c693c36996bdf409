"""An authorisation server on loopback that speaks as Google and as Microsoft.

A person signs in by name: the consent page has a field for the address and two buttons. Everything
a test may want to change is an attribute of `AuthorizationServer`.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import requests

from mailcore.oauth_providers import OAuthApp, Provider, google, microsoft
from tests.servers.certificates import Certificate
from tests.servers.free_port import LOOPBACK, free_port

CLIENT_ID = "poststelle-test.apps.example"
CLIENT_SECRET = "geheim~der.App/1"
REDIRECT_URI = "http://localhost:8000/zurueck/"
_SHORT_NAMES = {"email": "https://www.googleapis.com/auth/userinfo.email"}  # as Google does
_SIGN_IN_ONLY = {"openid", "email", "profile", "offline_access"}

_CONSENT = """<!doctype html><html lang="de"><title>Anmelden</title>
<h1>Zugriff erlauben?</h1><p>{scopes}</p>
<form method="post"><input type="hidden" name="query" value="{query}">
<label>Adresse <input name="email" type="email" value="{hint}"></label>
<button name="decision" value="allow">Zulassen</button>
<button name="decision" value="deny">Ablehnen</button></form></html>"""


@dataclass
class _Code:
    parameters: dict[str, str]
    email: str
    scopes: tuple[str, ...]


@dataclass
class Grant:
    """One consent; revoking it kills all its tokens."""

    email: str
    scopes: tuple[str, ...]
    is_revoked: bool = False


@dataclass
class _AccessToken:
    grant: Grant
    expires_at: float


@dataclass
class AuthorizationServer:
    """A running server, its knobs and what it was asked."""

    port: int
    ca_file: str
    expires_in: int = 3600
    rotates: bool = False  # every refresh gives a new refresh token and kills the old one
    withholds: tuple[str, ...] = ()  # scopes the person unticks
    id_token_claims: dict[str, object] | None = None  # instead of the usual ones
    has_id_token: bool = True
    status: int = 0  # answer everything with this HTTP status and a page of HTML
    error: str = ""  # answer the token endpoint with this OAuth error
    acts_as: dict[str, str] = field(default_factory=dict)  # person → shared mailbox, for Dovecot
    redirect_uris: tuple[str, ...] = (REDIRECT_URI,)  # registered with it, to the letter
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)  # closed: refreshing waits
    is_refreshing: threading.Event = field(default_factory=threading.Event)
    _codes: dict[str, _Code] = field(default_factory=dict)
    _refresh_tokens: dict[str, Grant] = field(default_factory=dict)
    _access_tokens: dict[str, _AccessToken] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def base_url(self) -> str:
        return f"https://localhost:{self.port}"

    def provider(self, key: str) -> Provider:
        make = google if key == "google" else microsoft
        return make(base_url=self.base_url, ca_file=self.ca_file)

    def app(self, *, tenant: str = "organizations") -> OAuthApp:
        return OAuthApp(CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, tenant)

    def reset(self) -> None:
        """Well-behaved again, with nothing remembered."""
        fresh = AuthorizationServer(self.port, self.ca_file)
        self.gate.set()
        with self._lock:
            for name in self.__dataclass_fields__:
                if name not in {"port", "ca_file", "_lock"}:
                    setattr(self, name, getattr(fresh, name))

    def refreshes(self) -> int:
        """How many refresh requests arrived."""
        return sum(
            1 for _, body in list(self.requests) if body.get("grant_type") == "refresh_token"
        )

    def expire_access_tokens(self) -> None:
        with self._lock:
            for token in self._access_tokens.values():
                token.expires_at = 0

    def revoke_grants(self, email: str) -> None:
        """As if the person had withdrawn the consent on the provider's pages."""
        with self._lock:
            for token in self._access_tokens.values():
                token.grant.is_revoked |= token.grant.email == email
            for grant in self._refresh_tokens.values():
                grant.is_revoked |= grant.email == email

    def sign_in(self, url: str, email: str, *, decision: str = "allow") -> dict[str, str]:
        """Does what a person does in the browser; returns the query the browser is sent back with."""
        page = requests.get(url, verify=self.ca_file, timeout=10)
        page.raise_for_status()
        assert "Zugriff erlauben?" in page.text
        answer = requests.post(
            url,
            data={"query": urlsplit(url).query, "email": email, "decision": decision},
            verify=self.ca_file,
            timeout=10,
            allow_redirects=False,
        )
        assert answer.status_code == HTTPStatus.FOUND, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))

    # What follows is the server's side.

    def decide(self, parameters: dict[str, str], email: str, decision: str) -> str:
        """Where the browser goes after the consent page."""
        answer = {"state": parameters.get("state", "")}
        if decision == "allow":
            scopes = tuple(
                scope for scope in parameters["scope"].split() if scope not in self.withholds
            )
            code = secrets.token_urlsafe(24)
            self._codes[code] = _Code(parameters, email, scopes)
            answer["code"] = code
        else:
            answer |= {"error": "access_denied", "error_description": "denied by the person"}
        return f"{parameters['redirect_uri']}?{urlencode(answer)}"

    def token(self, body: dict[str, str]) -> tuple[int, dict[str, object]]:
        if (body.get("client_id"), body.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return 401, {"error": "invalid_client", "error_description": "unknown app"}
        if body.get("grant_type") == "refresh_token":
            self.is_refreshing.set()
            self.gate.wait(30)
        if self.error:
            return 400, {"error": self.error, "error_description": f"told to say {self.error}"}
        with self._lock:
            if body.get("grant_type") == "authorization_code":
                return self._exchange(body)
            return self._refresh(body)

    def _exchange(self, body: dict[str, str]) -> tuple[int, dict[str, object]]:
        code = self._codes.pop(body.get("code", ""), None)  # a code works once
        if code is None or body.get("redirect_uri") != code.parameters["redirect_uri"]:
            return 400, {"error": "invalid_grant", "error_description": "unknown code"}
        digest = hashlib.sha256(body.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if challenge != code.parameters["code_challenge"]:
            return 400, {"error": "invalid_grant", "error_description": "code_verifier"}
        grant = Grant(code.email, code.scopes)
        answer = self._new_access_token(grant)
        if code.parameters.get("access_type") == "offline" or "offline_access" in code.scopes:
            answer["refresh_token"] = self._new_refresh_token(grant)
        if "openid" in code.scopes and self.has_id_token:
            answer["id_token"] = self._id_token(grant)
        return 200, answer

    def _refresh(self, body: dict[str, str]) -> tuple[int, dict[str, object]]:
        given = body.get("refresh_token", "")
        grant = self._refresh_tokens.get(given)
        if grant is None or grant.is_revoked:
            return 400, {"error": "invalid_grant", "error_description": "revoked or unknown"}
        answer = self._new_access_token(grant)
        if self.rotates:
            del self._refresh_tokens[given]
            answer["refresh_token"] = self._new_refresh_token(grant)
        return 200, answer

    def _new_access_token(self, grant: Grant) -> dict[str, object]:
        token = f"at-{secrets.token_urlsafe(24)}"
        self._access_tokens[token] = _AccessToken(grant, time.monotonic() + self.expires_in)
        named = [_SHORT_NAMES.get(s, s) for s in grant.scopes if s != "offline_access"]
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "scope": " ".join(reversed(named)),
        }

    def _new_refresh_token(self, grant: Grant) -> str:
        token = f"rt-{secrets.token_urlsafe(24)}"
        self._refresh_tokens[token] = grant
        return token

    def _id_token(self, grant: Grant) -> str:
        claims: dict[str, object] = {"aud": CLIENT_ID, "iss": self.base_url, "email": grant.email}
        if self.id_token_claims is not None:
            claims = {"aud": CLIENT_ID} | self.id_token_claims
        parts = ({"alg": "none"}, claims)
        encoded = (base64.urlsafe_b64encode(json.dumps(p).encode()).decode() for p in parts)
        return ".".join([*(part.rstrip("=") for part in encoded), ""])

    def person_of(self, access_token: str) -> str:
        """Whose token this is, "" if it is worth nothing."""
        with self._lock:
            token = self._access_tokens.get(access_token)
            is_good = token and not token.grant.is_revoked and token.expires_at > time.monotonic()
            return token.grant.email if token and is_good else ""

    def opens_mail(self, access_token: str) -> bool:
        token = self._access_tokens.get(access_token)
        return bool(token and set(token.grant.scopes) - _SIGN_IN_ONLY)

    def revoke(self, body: dict[str, str]) -> int:
        with self._lock:
            token = body.get("token", "")
            known = self._access_tokens.get(token)
            grant = known.grant if known else self._refresh_tokens.get(token)
            if grant is None:
                return 400
            grant.is_revoked = True
            return 200


def _complaint(parameters: dict[str, str], redirect_uris: tuple[str, ...]) -> str:
    """What is wrong with an authorisation request, "" if nothing."""
    wanted = {
        "client_id": CLIENT_ID,
        "response_type": "code",
        "code_challenge_method": "S256",
    }
    wrong = [name for name, value in wanted.items() if parameters.get(name) != value]
    wrong += [] if parameters.get("redirect_uri") in redirect_uris else ["redirect_uri"]
    wrong += [n for n in ("state", "scope", "code_challenge") if not parameters.get(n)]
    return ", ".join(wrong)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        parameters = dict(parse_qsl(target.query))
        if self._is_broken():
            return
        if _is_authorize(target.path):
            complaint = _complaint(parameters, self.server.state.redirect_uris)
            if complaint:
                self._answer(400, f"bad request: {complaint}")
                return
            page = _CONSENT.format(
                scopes=html.escape(parameters["scope"]),
                query=html.escape(target.query),
                hint=html.escape(parameters.get("login_hint", "")),
            )
            self._answer(200, page, "text/html; charset=utf-8")
        elif target.path == "/v1/userinfo":
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            person = self.server.state.person_of(token)
            self._answer_json(200 if person else 401, {"email": person, "email_verified": True})
        else:
            self._answer(404, "nothing here")

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        body = {name: values[0] for name, values in parse_qs(raw).items()}
        state = self.server.state
        state.requests.append((path, body))
        if self._is_broken():
            return
        if _is_authorize(path):
            parameters = dict(parse_qsl(body["query"]))
            self.send_response(HTTPStatus.FOUND)
            decision = body.get("decision", "deny")
            self.send_header("Location", state.decide(parameters, body["email"], decision))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif path == "/token" or path.endswith("/oauth2/v2.0/token"):
            self._answer_json(*state.token(body))
        elif path == "/revoke":
            self._answer_json(state.revoke(body), {})
        elif path == "/introspect":
            self._answer_json(200, self._introspect(body.get("token", "")))
        else:
            self._answer(404, "nothing here")

    def _introspect(self, token: str) -> dict[str, object]:
        state = self.server.state
        person = state.person_of(token)
        mailbox = state.acts_as.get(person, person)
        return {"active": bool(person) and state.opens_mail(token), "email": mailbox}

    def _is_broken(self) -> bool:
        if self.server.state.status:
            self._answer(self.server.state.status, "<h1>Not today</h1>", "text/html")
        return bool(self.server.state.status)

    def _answer_json(self, status: int, values: dict[str, object]) -> None:
        self._answer(status, json.dumps(values), "application/json")

    def _answer(self, status: int, text: str, content_type: str = "text/plain") -> None:
        raw = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        """Silent: what was asked stands in `requests`."""


def _is_authorize(path: str) -> bool:
    return path == "/o/oauth2/v2/auth" or path.endswith("/oauth2/v2.0/authorize")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 50

    def __init__(self, port: int, state: AuthorizationServer) -> None:
        self.state = state
        super().__init__((LOOPBACK, port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is not worth a traceback."""


@contextmanager
def run_authorization_server(
    certificate: Certificate, ca_file: Path
) -> Iterator[AuthorizationServer]:
    """A started server on TLS: OAuth libraries refuse anything else."""
    state = AuthorizationServer(free_port(), str(ca_file))
    server = _Server(state.port, state)
    context = certificate.server_context()
    # The handshake belongs to each connection's own thread, not to accept().
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.gate.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
