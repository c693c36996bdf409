"""Serves fixed pages and the static files on loopback, with the policy of the real pages."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from poststelle.middleware import POLICY

STATIC = Path(__file__).resolve().parents[2] / "static"


@contextmanager
def serve_pages(pages: dict[str, str]) -> Iterator[str]:
    """Gives the base address; a POST to a page's path answers 422 with what `POST path` names."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            if path in pages:
                self._answer(200, "text/html; charset=utf-8", pages[path].encode())
                return
            file = (STATIC / path.removeprefix("/static/")).resolve()
            if file.is_file() and file.is_relative_to(STATIC):
                kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
                self._answer(200, kind, file.read_bytes())
            else:
                self._answer(404, "text/plain", b"")

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            self._answer(422, "text/html; charset=utf-8", pages[f"POST {self.path}"].encode())

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
