"""What the DNS says about a mail domain: mail exchangers, service records, whether a host exists."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.IN.SRV import SRV


@dataclass(frozen=True, slots=True)
class Service:
    """A service record; smaller priorities first, then larger weights (RFC 2782)."""

    host: str
    port: int
    priority: int
    weight: int


class Resolver(Protocol):
    """Names are ASCII and lower case without a closing dot. No answer is an empty one."""

    def mail_exchangers(self, domain: str, deadline: float) -> tuple[str, ...]:
        """The MX hosts, best first."""

    def services(self, name: str, deadline: float) -> tuple[Service, ...]:
        """The SRV records, best first. An offered service is none if its host is empty."""

    def exists(self, host: str, deadline: float) -> bool:
        """Whether the host has an address."""


class DnsResolver:
    """Asks the system's name servers or those given; `deadline` is a time.monotonic()."""

    def __init__(self, *, nameservers: tuple[str, ...] = (), port: int = 53) -> None:
        self._nameservers = nameservers
        self._port = port

    def mail_exchangers(self, domain: str, deadline: float) -> tuple[str, ...]:
        records = [r for r in self._ask(domain, dns.rdatatype.MX, deadline) if isinstance(r, MX)]
        records.sort(key=lambda record: record.preference)
        return tuple(host for record in records if (host := _text(record.exchange)))

    def services(self, name: str, deadline: float) -> tuple[Service, ...]:
        records = [r for r in self._ask(name, dns.rdatatype.SRV, deadline) if isinstance(r, SRV)]
        found = [Service(_text(r.target), r.port, r.priority, r.weight) for r in records]
        return tuple(sorted(found, key=lambda service: (service.priority, -service.weight)))

    def exists(self, host: str, deadline: float) -> bool:
        kinds = (dns.rdatatype.A, dns.rdatatype.AAAA)
        return any(self._ask(host, kind, deadline) for kind in kinds)

    def _ask(self, name: str, kind: dns.rdatatype.RdataType, deadline: float) -> list[object]:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            return []
        try:
            resolver = dns.resolver.Resolver(configure=not self._nameservers)
            if self._nameservers:
                resolver.nameservers, resolver.port = list(self._nameservers), self._port
            resolver.timeout = min(1.5, remaining)
            answer = resolver.resolve(name, kind, lifetime=remaining, search=False)
        except (dns.exception.DNSException, OSError, ValueError):
            return []  # no such name, no such record, no name server: all the same here
        return list(answer)


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower().rstrip(".")
