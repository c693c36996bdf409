"""A stored message made safe to show."""

from __future__ import annotations

import pytest
from django.test import RequestFactory
from django.utils import timezone

from mailstore import clean, view
from mailstore.blobs import delete_blob
from mailstore.models import CleanedBody, StoredAttachment, StoredMessage
from mailstore.store import store_message
from mailstore.view import MailBody, mail_frame_response, read_headers, render_body
from tests.tickets.letters import PNG, letter

pytestmark = pytest.mark.django_db
HOSTILE = (
    '<script>alert(1)</script><p onclick="alert(1)">Hallo</p><a href="javascript:alert(1)">klick</a>'
    '<img src=x onerror="alert(1)"><iframe src="https://boese.example"></iframe><form action="x">'
    "<svg onload=alert(1)></svg><style>body{background:url(https://boese.example)}</style>"
    '<meta http-equiv=refresh content="0;url=https://boese.example"><base href="https://boese.example">'
)


def store(raw: bytes) -> StoredMessage:
    return store_message(
        raw, direction=StoredMessage.Direction.INCOMING, received_at=timezone.now()
    )


def render(message: StoredMessage, *, shows_remote: bool = False) -> MailBody:
    def cid_url(attachment: StoredAttachment) -> str:
        return f"/datei/{attachment.filename}"

    return render_body(
        message,
        cid_url=cid_url,
        remote_url=(lambda url: f"/bild?u={url}") if shows_remote else None,
    )


def test_nothing_of_a_hostile_mail_can_act() -> None:
    html = render(store(letter(html=HOSTILE))).html.lower()
    assert "hallo" in html
    for danger in ("<script", "onclick", "onerror", "onload", "javascript:", "<iframe", "<form"):
        assert danger not in html
    for danger in ("<svg", "<style", "<meta", "<base", "boese.example"):
        assert danger not in html


def test_remote_pictures_wait_for_a_click() -> None:
    message = store(
        letter(html='<p>Hallo</p><img src="https://t.example/a.gif"><img src="//t.example/b.png">')
    )
    blocked = render(message)
    assert blocked.blocked_images == 2
    assert ' src="' not in blocked.html
    shown = render(message, shows_remote=True)
    assert shown.blocked_images == 0
    assert 'src="/bild?u=https://t.example/a.gif"' in shown.html
    assert 'src="/bild?u=https://t.example/b.png"' in shown.html


def test_pictures_inside_the_mail_are_shown() -> None:
    body = render(store(letter(html='<p>Logo</p><img src="cid:bild@huber">', picture=PNG)))
    assert 'src="/datei/' in body.html
    assert body.blocked_images == 0


def test_a_picture_that_is_not_there_gets_no_address() -> None:
    assert "src=" not in render(store(letter(html='<p>x</p><img src="cid:fehlt@huber">'))).html


def test_a_mail_is_cleaned_once_per_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    real = clean.clean_guarded

    def counted(html: str) -> object:
        calls.append(html)
        return real(html)

    monkeypatch.setattr(view, "clean_guarded", counted)
    message = store(letter(html="<p>Hallo</p>"))
    render(message)
    render(message)
    assert len(calls) == 1
    monkeypatch.setattr(view, "POLICY_VERSION", view.POLICY_VERSION + 1)
    render(message)
    assert len(calls) == 2
    assert CleanedBody.objects.filter(message=message).count() == 1


def test_what_is_too_deep_is_shown_as_text() -> None:
    body = render(store(letter("Nur Text", html="<div>" * 5000 + "x")))
    assert body.is_too_complex
    assert body.html == ""
    assert "Nur Text" in body.text


def test_cleaning_has_a_hard_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clean, "_COMMAND", ["sleep", "30"])
    monkeypatch.setattr(clean, "TIME_LIMIT", 0.2)
    assert clean.clean_guarded("x" * (clean.SMALL + 1)).too_complex


def test_large_mails_are_cleaned_in_a_process_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clean, "TIME_LIMIT", 300)  # however slow this machine is now
    html = "<p>Grüße</p>" * 6000 + HOSTILE
    cleaned = clean.clean_guarded(html)
    assert cleaned.html.count("Grüße") == 6000
    assert "script" not in cleaned.html
    assert not cleaned.too_complex


def test_without_its_bytes_the_text_remains() -> None:
    message = store(letter("Der Text", html="<p>Das HTML</p>"))
    delete_blob(message.sha256)
    body = render(message)
    assert body.html == ""
    assert "Der Text" in body.text
    assert not CleanedBody.objects.exists()


def test_the_quote_at_the_end_is_folded() -> None:
    html = render(
        store(
            letter(html="<p>Danke</p><blockquote>Alt <blockquote>Älter</blockquote></blockquote>")
        )
    ).html
    assert html.index("Danke") < html.index("<details") < html.index("Alt") < html.index("Älter")
    assert html.count("<details") == 1


def test_an_answer_below_a_quote_stays_in_sight() -> None:
    quoted = "<p>Zu 1:</p><blockquote>Frage 1?</blockquote><p>Ja.</p>"
    assert "<details" not in render(store(letter(html=quoted))).html
    assert "<details" not in render(store(letter(html="<blockquote>Alles</blockquote>"))).html


def test_the_frame_brings_its_own_policy(rf: RequestFactory) -> None:
    body = MailBody("<p>Hallo</p>", 2, False, "Hallo")
    response = mail_frame_response(rf.get("/"), body, subject="<b>x</b>", show_remote="?bilder=1")
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "sandbox" in policy
    assert "script" not in policy
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"
    page = response.content.decode()
    assert "2 externe Bilder blockiert" in page
    assert "<title>&lt;b&gt;x&lt;/b&gt;</title>" in page


def test_headers_are_shown_decoded() -> None:
    headers = {one.name: one.value for one in read_headers(store(letter(subject="Über Öl")))}
    assert headers["Subject"] == "Über Öl"
