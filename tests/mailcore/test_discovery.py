"""Finding the servers of a mailbox: by provider, by a real DNS responder on loopback, by trying."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dns.resolver
import pytest

from mailcore import discovery_probe
from mailcore.discovery import Discovered, Source, discover
from mailcore.discovery_dns import Resolver, Service
from mailcore.discovery_presets import PRESETS, Auth, Note, ServerGuess
from mailcore.discovery_probe import Finding
from mailcore.server import Encryption, tls_context
from tests.hanging import Hanging
from tests.servers.dovecot import Dovecot
from tests.servers.free_port import LOOPBACK, free_port
from tests.servers.name_server import NameServer, name_server
from tests.servers.smtp_sink import Sink

SSL, STARTTLS = Encryption.SSL, Encryption.STARTTLS


@dataclass
class FakeResolver:
    mx: tuple[str, ...] = ()
    srv: Mapping[str, tuple[Service, ...]] = field(default_factory=dict)
    hosts: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)

    def mail_exchangers(self, domain: str, deadline: float) -> tuple[str, ...]:
        self.asked.append(domain)
        return self.mx

    def services(self, name: str, deadline: float) -> tuple[Service, ...]:
        self.asked.append(name)
        return self.srv.get(name, ())

    def exists(self, host: str, deadline: float) -> bool:
        self.asked.append(host)
        return host in self.hosts


def nothing_answers(guess: ServerGuess, timeout: float) -> Finding:
    return Finding.NOTHING


def find(address: str, resolver: Resolver, **answers: Finding) -> tuple[Discovered, ...]:
    """`answers` by host and port, dots as underscores: imap_firma_example_993=Finding.WORKS."""

    def probe(guess: ServerGuess, timeout: float) -> Finding:
        name = f"{guess.host}_{guess.port}".replace(".", "_")
        return answers.get(name, Finding.NOTHING)

    return discover(address, resolver=resolver, probe=probe)


@pytest.mark.parametrize(
    ("address", "provider", "imap", "smtp", "port", "auth"),
    [
        ("a@gmail.com", "Google", "imap.gmail.com", "smtp.gmail.com", 587, Auth.GOOGLE),
        ("a@GoogleMail.com", "Google", "imap.gmail.com", "smtp.gmail.com", 587, Auth.GOOGLE),
        (
            *("a@outlook.de", "Outlook.com", "outlook.office365.com", "smtp-mail.outlook.com"),
            *(587, Auth.MICROSOFT),
        ),
        ("a@gmx.de", "GMX", "imap.gmx.net", "mail.gmx.net", 465, Auth.PASSWORD),
        ("a@web.de", "WEB.DE", "imap.web.de", "smtp.web.de", 465, Auth.PASSWORD),
        (
            *("a@t-online.de", "T-Online", "secureimap.t-online.de", "securesmtp.t-online.de"),
            *(465, Auth.PASSWORD),
        ),
        ("a@posteo.de", "Posteo", "posteo.de", "posteo.de", 465, Auth.PASSWORD),
        ("a@me.com", "iCloud", "imap.mail.me.com", "smtp.mail.me.com", 587, Auth.APP_PASSWORD),
    ],
)
def test_a_providers_own_domain_needs_no_network(
    address: str, provider: str, imap: str, smtp: str, port: int, auth: Auth
) -> None:
    resolver = FakeResolver()
    (found,) = discover(address, resolver=resolver, probe=nothing_answers)
    encryption = SSL if port == 465 else STARTTLS
    assert found.source is Source.PRESET
    assert found.provider == provider
    assert found.imap == ServerGuess(imap, 993, SSL)
    assert found.smtp == ServerGuess(smtp, port, encryption)
    assert found.auth[0] is auth
    assert resolver.asked == []


@pytest.mark.parametrize(
    ("mx", "provider", "imap"),
    [
        ("aspmx.l.google.com", "Google", "imap.gmail.com"),
        ("firma-example.mail.protection.outlook.com", "Microsoft 365", "outlook.office365.com"),
        ("firma-example.o-v1.mx.microsoft", "Microsoft 365", "outlook.office365.com"),
        ("live-com.olc.protection.outlook.com", "Outlook.com", "outlook.office365.com"),
        ("mx00.ionos.de", "IONOS", "imap.ionos.de"),
        ("mx00.kundenserver.de", "IONOS", "imap.ionos.de"),
        ("smtpin.rzone.de", "Strato", "imap.strato.de"),
        ("mxext1.mailbox.org", "mailbox.org", "imap.mailbox.org"),
        ("www123.your-server.de", "Hetzner", "mail.your-server.de"),
        ("w0123456.kasserver.com", "ALL-INKL.COM", "w0123456.kasserver.com"),
        ("mx01.mail.icloud.com", "iCloud", "imap.mail.me.com"),
        ("mta5.am0.yahoodns.net", "Yahoo", "imap.mail.yahoo.com"),
    ],
)
def test_a_company_whose_mail_goes_to_a_provider(mx: str, provider: str, imap: str) -> None:
    resolver = FakeResolver(mx=("mail.filter.example", mx))
    (found,) = find("info@firma.example", resolver)
    assert (found.provider, found.imap) == (provider, ServerGuess(imap, 993, SSL))


@pytest.mark.parametrize("mx", ["google.com.evil.example", "notgoogle.com", "mx.firma.example"])
def test_a_name_that_only_looks_like_a_provider(mx: str) -> None:
    assert find("info@firma.example", FakeResolver(mx=(mx,))) == ()


def test_the_table_is_consistent() -> None:
    domains = [domain for preset in PRESETS for domain in preset.domains]
    assert len(domains) == len(set(domains)) > 50
    assert len({preset.name for preset in PRESETS}) == len(PRESETS) == 14
    for preset in PRESETS:
        assert preset.mx
        assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in preset.mx)
        assert (preset.imap.port, preset.imap.encryption) == (993, SSL)
        assert (preset.smtp.port, preset.smtp.encryption) in {(465, SSL), (587, STARTTLS)}


def test_announced_services() -> None:
    resolver = FakeResolver(
        srv={
            "_imaps._tcp.firma.example": (Service("post.firma.example", 993, 0, 1),),
            "_imap._tcp.firma.example": (Service("alt.firma.example", 143, 0, 1),),
            "_submissions._tcp.firma.example": (Service("", 0, 0, 0),),  # not offered
            "_submission._tcp.firma.example": (Service("aus.firma.example", 587, 0, 1),),
        }
    )
    (found,) = find("info@firma.example", resolver)
    assert found.source is Source.SRV
    assert found.imap == ServerGuess("post.firma.example", 993, SSL)
    assert found.smtp == ServerGuess("aus.firma.example", 587, STARTTLS)
    assert found.note is Note.NONE


def test_servers_of_a_strange_domain_are_pointed_out() -> None:
    services = {
        "_imaps._tcp.firma.example": (Service("imap.notfirma.example", 993, 0, 1),),
        "_submissions._tcp.firma.example": (Service("smtp.firma.example", 465, 0, 1),),
    }
    (found,) = find("info@firma.example", FakeResolver(srv=services))
    assert found.note is Note.OTHER_DOMAIN


def test_half_an_announcement_is_completed_by_what_answers() -> None:
    services = {"_imaps._tcp.firma.example": (Service("post.firma.example", 993, 0, 1),)}
    resolver = FakeResolver(srv=services, hosts=frozenset({"mail.firma.example"}))
    works = Finding.WORKS
    (found,) = find(
        "info@firma.example", resolver, mail_firma_example_993=works, mail_firma_example_587=works
    )
    assert found.imap == ServerGuess("post.firma.example", 993, SSL)
    assert found.smtp == ServerGuess("mail.firma.example", 587, STARTTLS)


def test_a_provider_and_an_announcement_are_both_offered() -> None:
    services = {
        "_imaps._tcp.firma.example": (Service("post.firma.example", 993, 0, 1),),
        "_submissions._tcp.firma.example": (Service("post.firma.example", 465, 0, 1),),
    }
    found = find("info@firma.example", FakeResolver(mx=("smtpin.rzone.de",), srv=services))
    assert [finding.source for finding in found] == [Source.PRESET, Source.SRV]


def test_usual_host_names() -> None:
    names = ("imap.firma.example", "mail.firma.example", "smtp.firma.example", "firma.example")
    resolver = FakeResolver(hosts=frozenset(names))
    (found,) = find(
        "info@firma.example",
        resolver,
        mail_firma_example_993=Finding.WORKS,
        imap_firma_example_143=Finding.WORKS,
        smtp_firma_example_587=Finding.WORKS,
        mail_firma_example_465=Finding.WORKS,
    )
    assert found.source is Source.PROBED
    assert found.imap == ServerGuess("imap.firma.example", 143, STARTTLS)
    assert found.smtp == ServerGuess("smtp.firma.example", 587, STARTTLS)


def test_a_good_certificate_is_preferred_and_a_bad_one_told() -> None:
    resolver = FakeResolver(hosts=frozenset({"imap.firma.example", "mail.firma.example"}))
    bad, works = Finding.BAD_CERTIFICATE, Finding.WORKS
    (found,) = find(
        "info@firma.example",
        resolver,
        imap_firma_example_993=bad,
        mail_firma_example_993=works,
        mail_firma_example_465=bad,
    )
    assert found.imap == ServerGuess("mail.firma.example", 993, SSL)
    assert found.smtp == ServerGuess("mail.firma.example", 465, SSL)
    assert found.note is Note.CERTIFICATE


@pytest.mark.parametrize(
    "address",
    [
        *("", "@", "info", "info@", "@firma.example", "a@b@c", "a@" + "x" * 64 + ".de"),
        *("a@[192.0.2.1]", "a@..", "a@-x.de", "a@x\n.de", "a@\ud800.de", "\x00@x.de"),
    ],
)
def test_no_address_no_finding(address: str) -> None:
    assert discover(address, resolver=FakeResolver(), probe=nothing_answers) == ()


def test_a_domain_with_umlauts_is_asked_in_ascii() -> None:
    resolver = FakeResolver()
    assert find("info@müller.example", resolver) == ()
    assert "xn--mller-kva.example" in resolver.asked


class _Stuck(FakeResolver):
    def __init__(self, stuck: Hanging) -> None:
        super().__init__(hosts=frozenset({"imap.firma.example"}))
        self.stuck = stuck

    def mail_exchangers(self, domain: str, deadline: float) -> tuple[str, ...]:
        self.stuck.hang()
        raise RuntimeError("never heard")

    def services(self, name: str, deadline: float) -> tuple[Service, ...]:
        raise ValueError(name)


def test_what_hangs_or_fails_delays_nobody_beyond_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mailcore.discovery._DNS_SHARE", 0.2)
    with Hanging() as names, Hanging() as server:

        def probe(guess: ServerGuess, timeout: float) -> Finding:
            if guess.port == 993:
                return Finding.WORKS
            server.hang()
            raise OSError

        found = discover("info@firma.example", resolver=_Stuck(names), probe=probe, seconds=2)
        names.check_left_alone()
        server.check_left_alone()
    imap = ServerGuess("imap.firma.example", 993, SSL)
    assert [(finding.imap, finding.smtp) for finding in found] == [(imap, None)]


def test_a_real_name_server() -> None:
    table = {
        ("firma.example.", "MX"): ["20 zwei.firma.example.", "10 Eins.firma.example."],
        ("_imaps._tcp.firma.example.", "SRV"): [
            "10 5 993 c.firma.example.",
            "0 1 993 b.firma.example.",
            "0 9 9993 a.firma.example.",
        ],
        ("_submissions._tcp.firma.example.", "SRV"): ["0 0 0 ."],
        ("_submission._tcp.firma.example.", "SRV"): ["0 1 587 aus.firma.example."],
        ("imap.firma.example.", "A"): ["192.0.2.1"],
        ("mail.firma.example.", "AAAA"): ["2001:db8::1"],
        ("null.example.", "MX"): ["0 ."],  # takes no mail (RFC 7505)
    }
    with name_server(NameServer(table)) as server:
        resolver, deadline = server.resolver(), time.monotonic() + 5
        exchangers = resolver.mail_exchangers("firma.example", deadline)
        assert exchangers == ("eins.firma.example", "zwei.firma.example")
        services = resolver.services("_imaps._tcp.firma.example", deadline)
        assert [s.host[0] for s in services] == ["a", "b", "c"]
        assert resolver.exists("imap.firma.example", deadline)
        assert resolver.exists("mail.firma.example", deadline)
        assert not resolver.exists("smtp.firma.example", deadline)
        assert resolver.mail_exchangers("nirgends.example", deadline) == ()
        assert resolver.mail_exchangers("null.example", deadline) == ()
        assert resolver.mail_exchangers("firma.example", time.monotonic() - 1) == ()
        (found,) = discover("info@firma.example", resolver=resolver, probe=nothing_answers)
    assert found.imap == ServerGuess("a.firma.example", 9993, SSL)
    assert found.smtp == ServerGuess("aus.firma.example", 587, STARTTLS)


def test_a_silent_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[float] = []
    resolve = dns.resolver.Resolver.resolve

    def noted(self: dns.resolver.Resolver, *asked: Any, **values: Any) -> Any:
        limits.append(values["lifetime"])
        return resolve(self, *asked, **values)

    monkeypatch.setattr(dns.resolver.Resolver, "resolve", noted)
    with name_server(NameServer({}, is_silent=True)) as server:
        found = discover(
            "info@firma.example", resolver=server.resolver(), probe=nothing_answers, seconds=1
        )
    assert found == ()
    assert limits
    assert max(limits) <= 1, "a question may wait longer than all of it"


@pytest.mark.dovecot
def test_probing_real_servers(
    dovecot: Dovecot, smtp_sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(port: int, encryption: Encryption) -> Finding:
        return discovery_probe.probe(ServerGuess("localhost", port, encryption), 5)

    assert look(dovecot.imap_port, STARTTLS) is Finding.WORKS
    assert look(smtp_sink.port, STARTTLS) is Finding.WORKS
    assert look(dovecot.imaps_port, SSL) is Finding.BAD_CERTIFICATE  # its authority is unknown
    assert look(free_port(), SSL) is Finding.NOTHING
    assert look(dovecot.imap_port, SSL) is Finding.NOTHING
    monkeypatch.setenv("SSL_CERT_FILE", dovecot.ca_file)
    tls_context.cache_clear()
    try:
        assert look(dovecot.imaps_port, SSL) is Finding.WORKS
    finally:
        tls_context.cache_clear()


def test_something_else_answers_there() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]

        def greet() -> None:
            client, _ = server.accept()
            with client:
                client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        guess = ServerGuess(LOOPBACK, port, STARTTLS)
        assert discovery_probe.probe(guess, 5) is Finding.NOTHING
        thread.join()
        silent = ServerGuess(LOOPBACK, port, STARTTLS)
        assert discovery_probe.probe(silent, 0.2) is Finding.NOTHING  # accepts, says nothing
