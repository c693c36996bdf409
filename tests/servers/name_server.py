"""A name server on loopback that answers from a table."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from mailcore.discovery_dns import DnsResolver
from tests.servers.free_port import LOOPBACK, free_port


@dataclass
class NameServer:
    """Answers from a table in zone file syntax, on UDP; knows nothing else (NXDOMAIN)."""

    records: dict[tuple[str, str], list[str]]
    is_silent: bool = False
    port: int = field(default_factory=free_port)

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def resolver(self) -> DnsResolver:
        return DnsResolver(nameservers=(LOOPBACK,), port=self.port)

    def answer(self, raw: bytes) -> bytes:
        query = dns.message.from_wire(raw)
        question = query.question[0]
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        kind = question.rdtype.name
        values = self.records.get((question.name.to_text().lower(), kind))
        if values:
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *values))
        elif not any(name == question.name.to_text().lower() for name, _ in self.records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer.to_wire()


@contextmanager
def name_server(server: NameServer) -> Iterator[NameServer]:
    """The server, started."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((LOOPBACK, server.port))
        sock.settimeout(0.1)
        stopping = threading.Event()

        def serve() -> None:
            while not stopping.is_set():
                try:
                    raw, client = sock.recvfrom(4096)
                except TimeoutError:
                    continue
                if not server.is_silent:
                    sock.sendto(server.answer(raw), client)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server
        finally:
            stopping.set()
            thread.join()
