"""Files of messages leave as downloads, but for a few harmless kinds."""

from __future__ import annotations

import pytest
from django.http import Http404
from django.utils import timezone

from mailstore.blobs import delete_blob
from mailstore.download import attachment_response, original_response, preview_response
from mailstore.models import StoredAttachment, StoredMessage
from mailstore.store import store_message
from tests.tickets.letters import PNG, letter

pytestmark = pytest.mark.django_db
FILES = (
    ("Prüfung.html", "text/html", b"<script>alert(1)</script>"),
    ("bild.png", "image/png", PNG),
    ("karte.svg", "image/svg+xml", b"<svg onload='alert(1)'/>"),
    ("rechnung.pdf", "application/pdf", b"%PDF-1.4"),
)


@pytest.fixture
def files() -> dict[str, StoredAttachment]:
    raw = letter("Anbei", subject='Über "alles"/..', files=FILES)
    message = store_message(
        raw, direction=StoredMessage.Direction.INCOMING, received_at=timezone.now()
    )
    return {one.filename: one for one in message.attachments.select_related("message")}


def test_every_file_is_a_download_with_its_very_bytes(files: dict[str, StoredAttachment]) -> None:
    for name, _content_type, content in FILES:
        response = attachment_response(files[name].message, files[name])
        assert response.content == content
        assert response.headers["Content-Disposition"].startswith("attachment")
        assert response.headers["Content-Type"] == "application/octet-stream"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["Prüfung.html", "karte.svg"])
def test_what_could_carry_scripts_has_no_preview(
    files: dict[str, StoredAttachment], name: str
) -> None:
    with pytest.raises(Http404):
        preview_response(files[name].message, files[name])


def test_a_picture_is_shown_in_a_sandbox(files: dict[str, StoredAttachment]) -> None:
    response = preview_response(files["bild.png"].message, files["bild.png"])
    assert response.headers["Content-Type"] == "image/png"
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert response.headers["Content-Disposition"].startswith("inline")


def test_a_pdf_opens_without_a_sandbox(files: dict[str, StoredAttachment]) -> None:
    response = preview_response(files["rechnung.pdf"].message, files["rechnung.pdf"])
    assert response.headers["Content-Type"] == "application/pdf"
    assert "sandbox" not in response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_the_original_is_byte_for_byte(files: dict[str, StoredAttachment]) -> None:
    message = files["bild.png"].message
    response = original_response(message)
    assert len(response.content) == message.size
    assert b"rechnung.pdf" in response.content
    assert ".eml" in response.headers["Content-Disposition"]
    assert "/" not in response.headers["Content-Disposition"]


def test_missing_bytes_are_not_found(files: dict[str, StoredAttachment]) -> None:
    message = files["bild.png"].message
    delete_blob(message.sha256)
    with pytest.raises(Http404):
        original_response(message)
    with pytest.raises(Http404):
        attachment_response(message, files["bild.png"])
