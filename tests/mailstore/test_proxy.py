"""Remote pictures through our proxy: signed addresses, public hosts, pictures, bounded."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core import signing

from mailstore import proxy
from mailstore.proxy import PictureRefused, fetch_picture, fetch_signed, is_public, sign_address

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 100


class _Site(BaseHTTPRequestHandler):
    """A web site that answers by the path."""

    seen: list[dict[str, str]] = []

    def do_GET(self) -> None:
        self.seen.append({name.lower(): value for name, value in self.headers.items()})
        if self.path.startswith("/weiter"):
            self.send_response(302)
            self.send_header("Location", self.path.partition("?")[2])
            self.end_headers()
            return
        self.send_response(404 if self.path == "/fehlt" else 200)
        self.send_header("Content-Type", "image/png")
        self.end_headers()
        if self.path == "/gross":
            self.wfile.write(PNG + b"\x00" * 5000)
        elif self.path == "/html":
            self.wfile.write(b"<script>alert(1)</script>")
        else:
            self.wfile.write(PNG)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def site() -> Iterator[str]:
    _Site.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://bilder.example:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def reachable(site: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The site on loopback counts as public, under the name bilder.example; no other host does."""
    port = int(site.rpartition(":")[2])

    def resolve(host: str, port: int) -> str:
        if host != "bilder.example":
            raise PictureRefused("not a public host")
        return "127.0.0.1"

    monkeypatch.setattr(proxy, "PORTS", {"http": port, "https": 443})
    monkeypatch.setattr(proxy, "resolve", resolve)
    return site


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0",
        "100.64.0.1", "224.0.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
    ],
)  # fmt: skip
def test_inner_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1"])
def test_outer_addresses_are_public(address: str) -> None:
    assert is_public(address)


def test_a_picture_is_fetched_without_traces(reachable: str) -> None:
    picture = fetch_picture(f"{reachable}/a b.png?u=1")
    assert picture.content == PNG
    assert picture.content_type == "image/png"
    sent = _Site.seen[0]
    assert sent["host"].startswith("bilder.example")
    assert "cookie" not in sent
    assert "referer" not in sent


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/a.png", "http://127.0.0.1/a.png", "http://[::1]/a.png",
        "ftp://firma.example/a.png", "file:///etc/passwd", "http://user:pw@firma.example/a.png",
        "https://firma.example:22/a.png", "http:///a.png", "http://[kaputt/a.png", "",
        "http://2130706433/a.png", "http://127.1/a.png",
    ],
)  # fmt: skip
def test_nothing_inside_is_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*args: object, **kwargs: object) -> None:
        pytest.fail("a connection was opened")

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(PictureRefused):
        fetch_picture(url)


def test_one_inner_address_among_others_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*args: object, **kwargs: object) -> list[object]:
        return [(2, 1, 6, "", ("93.184.216.34", 80)), (2, 1, 6, "", ("10.0.0.1", 80))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with pytest.raises(PictureRefused):
        proxy.resolve("halb.example", 80)


def test_the_connection_goes_to_the_address_that_was_checked(
    site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second answer of the DNS leads inside: it is never asked for."""
    answers = iter([["93.184.216.34"], ["127.0.0.1"]])
    asked: list[object] = []

    def look_up(host: str, port: int, **kwargs: object) -> list[object]:
        return [(2, 1, 6, "", (address, port)) for address in next(answers)]

    def connect(address: object, **kwargs: object) -> None:
        asked.append(address)
        raise OSError("no network in tests")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(PictureRefused):
        fetch_picture("http://wechselt.example/a.png")
    assert asked == [("93.184.216.34", 80)]


def test_redirects_are_followed_and_checked_again(reachable: str) -> None:
    assert fetch_picture(f"{reachable}/weiter?{reachable}/a.png").content == PNG
    assert fetch_picture(f"{reachable}/weiter?/a.png").content == PNG
    with pytest.raises(PictureRefused, match="public"):
        fetch_picture(f"{reachable}/weiter?http://intern.example/")
    with pytest.raises(PictureRefused, match="redirects"):
        fetch_picture(f"{reachable}/weiter?/weiter?/weiter?/weiter?/weiter?/a.png")


def test_only_pictures_come_through(reachable: str) -> None:
    for path in ("/html", "/fehlt"):
        with pytest.raises(PictureRefused):
            fetch_picture(reachable + path)


def test_large_answers_are_cut_off(reachable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "SIZE_LIMIT", 1000)
    with pytest.raises(PictureRefused, match="large"):
        fetch_picture(f"{reachable}/gross")


def test_it_is_no_open_proxy(reachable: str) -> None:
    url = f"{reachable}/a.png"
    assert fetch_signed(sign_address(url)).content == PNG
    for token in ("", url, sign_address(url)[:-2] + "xx", signing.dumps(url, salt="anders")):
        with pytest.raises(PictureRefused):
            fetch_signed(token)


def test_a_silent_server_does_not_hold_us(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(proxy, "PORTS", {"http": port, "https": 443})
        monkeypatch.setattr(proxy, "resolve", lambda host, port: "127.0.0.1")
        monkeypatch.setattr(proxy, "TIME_LIMIT", 0.3)
        with pytest.raises(PictureRefused):
            fetch_picture(f"http://stumm.example:{port}/a.png")
