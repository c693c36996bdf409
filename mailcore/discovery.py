"""From an address to its mail servers: known providers, DNS, usual host names.

Cheap and certain sources first: 1. a provider's own domain (no network); 2. where the domain's mail
goes (MX) and what it announces (SRV, RFC 6186 and 8314); 3. the usual host names, where 2 left
something open. At most 8 seconds altogether.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

from mailcore.discovery_dns import DnsResolver, Resolver
from mailcore.discovery_presets import (
    Auth,
    Note,
    Preset,
    ServerGuess,
    preset_of_domain,
    preset_of_mx,
)
from mailcore.discovery_probe import Finding, probe
from mailcore.recipients import split_address
from mailcore.server import Encryption

_TOTAL_SECONDS = 8.0
_DNS_SHARE = 0.4  # of the time, so that a silent name server leaves some to try the usual names
_CLOSING_SECONDS = 0.2  # kept back to collect what was found
_PROBE_SECONDS = 2.0
_SSL, _STARTTLS = Encryption.SSL, Encryption.STARTTLS
# Service, encryption: the first that is offered wins (RFC 8314 prefers TLS from the first byte).
_IMAP_SERVICES = (("_imaps._tcp", _SSL), ("_imap._tcp", _STARTTLS))
_SMTP_SERVICES = (("_submissions._tcp", _SSL), ("_submission._tcp", _STARTTLS))
_IMAP_DOORS = ((993, _SSL), (143, _STARTTLS))
_SMTP_DOORS = ((465, _SSL), (587, _STARTTLS))

_T = TypeVar("_T")
Probe = Callable[[ServerGuess, float], Finding]


class Source(StrEnum):
    PRESET = "preset"  # the provider is known
    SRV = "srv"  # the domain announces it
    PROBED = "probed"  # a server answered at a usual name


@dataclass(frozen=True, slots=True)
class Discovered:
    """One suggestion. `imap` or `smtp` is None where nothing was found for it."""

    source: Source
    imap: ServerGuess | None
    smtp: ServerGuess | None
    auth: tuple[Auth, ...] = (Auth.PASSWORD,)
    note: Note = Note.NONE
    provider: str = ""  # a preset's name


def discover(
    address: str,
    *,
    resolver: Resolver | None = None,
    probe: Probe = probe,
    seconds: float = _TOTAL_SECONDS,
) -> tuple[Discovered, ...]:
    """What the servers of this mailbox may be, best first; nothing for what is no address.

    Never raises and takes at most `seconds`. `resolver` and `probe` answer instead of the network.
    """
    parts = split_address(address.strip())
    if parts is None or parts[1].startswith("["):
        return ()
    domain = parts[1]
    known = preset_of_domain(domain)
    if known is not None:
        return (_from_preset(known, domain),)
    search = _Search(domain, resolver or DnsResolver(), probe, time.monotonic() + seconds)
    # Not as a context manager: a name server that hangs must not hold up the answer.
    pool = ThreadPoolExecutor(16, thread_name_prefix="discovery")
    try:
        return search.run(pool)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Search:
    domain: str
    resolver: Resolver
    probe: Probe
    deadline: float

    def run(self, pool: ThreadPoolExecutor) -> tuple[Discovered, ...]:
        now = time.monotonic()
        dns_deadline = now + _DNS_SHARE * (self.deadline - now)
        mx = pool.submit(self.resolver.mail_exchangers, self.domain, dns_deadline)
        imap = pool.submit(self._announced, _IMAP_SERVICES, dns_deadline)
        smtp = pool.submit(self._announced, _SMTP_SERVICES, dns_deadline)
        _wait((mx, imap, smtp), dns_deadline)
        exchangers = _result(mx, ())
        announced = self._from_services(_result(imap, None), _result(smtp, None))
        preset = next((p for host in exchangers if (p := self._preset(host))), None)
        found = tuple(finding for finding in (preset, announced) if finding)
        if any(finding.imap and finding.smtp for finding in found):
            return found
        return self._completed(found, self._probed(pool))

    def _preset(self, exchanger: str) -> Discovered | None:
        preset = preset_of_mx(exchanger)
        return _from_preset(preset, exchanger) if preset else None

    def _announced(
        self, services: Iterable[tuple[str, Encryption]], deadline: float
    ) -> ServerGuess | None:
        for name, encryption in services:
            for service in self.resolver.services(f"{name}.{self.domain}", deadline):
                if service.host and 0 < service.port < 65536:  # "." says: not offered
                    return ServerGuess(service.host, service.port, encryption)
        return None

    def _from_services(
        self, imap: ServerGuess | None, smtp: ServerGuess | None
    ) -> Discovered | None:
        """The DNS is not signed: servers of a strange domain are pointed out (RFC 6186, 6)."""
        servers = [server for server in (imap, smtp) if server]
        if not servers:
            return None
        is_own = all(f".{server.host}".endswith(f".{self.domain}") for server in servers)
        note = Note.NONE if is_own else Note.OTHER_DOMAIN
        return Discovered(Source.SRV, imap, smtp, note=note)

    def _probed(self, pool: ThreadPoolExecutor) -> Discovered | None:
        names = ("imap", "mail", "smtp")
        hosts = [f"{name}.{self.domain}" for name in names] + [self.domain]
        tries = {host: pool.submit(self._doors_of, host) for host in hosts}
        _wait(tries.values(), self.deadline)
        doors = {host: _result(attempt, {}) for host, attempt in tries.items()}
        imap, imap_finding = _best(doors, (hosts[0], hosts[1], hosts[3], hosts[2]), _IMAP_DOORS)
        smtp, smtp_finding = _best(doors, (hosts[2], hosts[1], hosts[3], hosts[0]), _SMTP_DOORS)
        if not imap and not smtp:
            return None
        is_bad = Finding.BAD_CERTIFICATE in (imap_finding, smtp_finding)
        return Discovered(Source.PROBED, imap, smtp, note=Note.CERTIFICATE if is_bad else Note.NONE)

    def _doors_of(self, host: str) -> dict[ServerGuess, Finding]:
        """What answers at the host's four usual ports, all tried at once."""
        deadline = self.deadline - _CLOSING_SECONDS
        if not self.resolver.exists(host, deadline):
            return {}
        guesses = [ServerGuess(host, *door) for door in _IMAP_DOORS + _SMTP_DOORS]
        timeout = min(_PROBE_SECONDS, deadline - time.monotonic())
        if timeout <= 0:
            return {}
        pool = ThreadPoolExecutor(len(guesses), thread_name_prefix="discovery")
        try:
            tries = [pool.submit(self.probe, guess, timeout) for guess in guesses]
            _wait(tries, deadline)
            return {g: _result(t, Finding.NOTHING) for g, t in zip(guesses, tries, strict=True)}
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _completed(
        self, found: tuple[Discovered, ...], probed: Discovered | None
    ) -> tuple[Discovered, ...]:
        """An announcement of one direction only gets the other from what answered."""
        if probed is None:
            return found
        if not found:
            return (probed,)
        half = found[0]
        note = half.note or probed.note
        whole = replace(half, imap=half.imap or probed.imap, smtp=half.smtp or probed.smtp)
        return (replace(whole, note=note), *found[1:])


def _from_preset(preset: Preset, exchanger: str) -> Discovered:
    imap, smtp = (
        replace(server, host=server.host.replace("{mx}", exchanger))
        for server in (preset.imap, preset.smtp)
    )
    return Discovered(Source.PRESET, imap, smtp, preset.auth, preset.note, preset.name)


def _best(
    doors: dict[str, dict[ServerGuess, Finding]],
    hosts: tuple[str, ...],
    wanted: tuple[tuple[int, Encryption], ...],
) -> tuple[ServerGuess | None, Finding]:
    """The first host whose door works; failing that, the first with a certificate in disorder."""
    for finding in (Finding.WORKS, Finding.BAD_CERTIFICATE):
        for host in hosts:
            for door in wanted:
                guess = ServerGuess(host, *door)
                if doors[host].get(guess) is finding:
                    return guess, finding
    return None, Finding.NOTHING


def _wait(futures: Iterable[Future[Any]], deadline: float) -> None:
    wait(list(futures), timeout=max(0.0, deadline - time.monotonic()))


def _result(future: Future[_T], default: _T) -> _T:
    """What it found; the default where it is not ready or failed."""
    if not future.done() or future.cancelled() or future.exception() is not None:
        return default
    return future.result()
