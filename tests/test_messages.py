"""The interface in English: complete, with the right placeholders, and only for whom it is meant."""

from __future__ import annotations

import importlib.util
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from types import ModuleType

import polib
import pytest
from django.template import Context, Template
from django.test import Client
from django.urls import reverse
from django.utils import translation

from documents.models import DocumentKind
from tests.factories import (
    make_account,
    make_address,
    make_document,
    make_employee,
    make_project,
    make_queue,
    make_ticket,
    make_user,
)
from tickets.moments import day_name

ROOT = Path(__file__).resolve().parent.parent
LISTS = ("accounts", "adressen", "benutzer", "mitarbeiter", "projekte", "warteschlangen")
PAGES = (
    "/",
    "/einrichtung/",
    "/grundeinstellungen/",
    "/lizenzen/",
    "/persoenlich/",
    "/systemzustand/",
    "/tickets/",
    "/belege/",
    "/belege/neu/rechnung/",
    "/postausgang/",
    "/postausgang/testmail/",
    *(f"/{name}/" for name in LISTS),
    *(f"/{name}/neu/" for name in LISTS),
)
GERMAN = re.compile(
    r"\b(?:und|oder|nicht|kein|keine|wird|werden|wurde|ist|sind|für|bitte|Sie|Ihre?|eine?|der|das)\b"
)


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """scripts/messages.py, working in an empty folder."""
    spec = importlib.util.spec_from_file_location("messages", ROOT / "scripts" / "messages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "templates").mkdir()
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "CATALOGUE", tmp_path / "django.po")
    monkeypatch.setattr("sys.argv", ["messages.py"])
    return module


def _check(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> int:
    with monkeypatch.context() as patch:
        patch.setattr("sys.argv", ["messages.py", "--check"])
        code: int = script.main()
        return code


def test_catalogue_has_every_text_of_code_and_templates(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "ROOT", ROOT)
    monkeypatch.setattr(script, "CATALOGUE", ROOT / "locale/en/LC_MESSAGES/django.po")
    assert _check(script, monkeypatch) == 0, capsys.readouterr().out


def test_collects_texts_as_django_looks_them_up(script: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "templates" / "page.html").write_text(
        '{% translate "Zur %-Liste" %}{{ x|default:_("ohne") }}{% include "a" with text=_("Los") %}'
        '{% translate "Bank" context "Geld" %}{% translate "als Variable" as kept %}'
        "{% blocktranslate trimmed with name=x %}\n  Konto von\n  {{ name }}\n{% endblocktranslate %}"
        "{% blocktranslate with account=x %}Menü von {{ account }}{% endblocktranslate %}"
        "{% blocktranslate count n=x|length %}{{ n }} Tag{% plural %}{{ n }} Tage"
        "{% endblocktranslate %}{# {% translate 'nie' %} #}"
    )
    (tmp_path / "code.py").write_text(
        "from django.utils.translation import gettext as _now, pgettext_lazy\n"
        '_now("sofort " "jetzt"); pgettext_lazy("one", "Benutzer"); print("nie")\n'
        'npgettext("Geld", "%d Bank", "%d Banken", 2); translation.gettext("über das Modul")\n'
    )
    assert set(script._collect()) == {
        (None, "Zur %%-Liste", None),
        (None, "ohne", None),
        (None, "Los", None),
        ("Geld", "Bank", None),
        (None, "als Variable", None),
        (None, "Konto von %(name)s", None),
        (None, "Menü von %(account)s", None),
        (None, "%(n)s Tag", "%(n)s Tage"),
        (None, "sofort jetzt", None),
        ("one", "Benutzer", None),
        ("Geld", "%d Bank", "%d Banken"),
        (None, "über das Modul", None),
    }


def test_check_finds_missing_wrong_and_stale_translations(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "code.py"
    code.write_text('ngettext("%(n)d Tag", "%(n)d Tage", n)\n')
    assert script.main() == 0
    assert _check(script, monkeypatch) == 1  # not translated

    def translate(plural: str, *, compiled: bool) -> int:
        catalogue = polib.pofile(str(script.CATALOGUE))
        catalogue[0].msgstr_plural = {0: "%(n)d day", 1: plural}
        catalogue.save()
        if compiled:
            catalogue.save_as_mofile(str(script.CATALOGUE.with_suffix(".mo")))
        return _check(script, monkeypatch)

    assert translate("%(n)d days", compiled=True) == 0
    assert translate("%(m)d days", compiled=True) == 1  # another placeholder
    assert translate("%(n)d long days", compiled=False) == 1  # .mo is older
    assert script.main() == 0
    assert _check(script, monkeypatch) == 0  # compiled, and the translation kept
    code.write_text("")
    assert _check(script, monkeypatch) == 1  # nobody uses it


def test_plural_of_a_template_in_english() -> None:
    template = Template(
        "{% load i18n %}{% blocktranslate count total=total %}Bitte {{ total }} Angabe prüfen"
        "{% plural %}Bitte {{ total }} Angaben prüfen{% endblocktranslate %}"
    )
    with translation.override("en"):
        assert template.render(Context({"total": 1})) == "Please check 1 entry"
        assert template.render(Context({"total": 2})) == "Please check 2 entries"
    with translation.override("de"):
        assert template.render(Context({"total": 2})) == "Bitte 2 Angaben prüfen"


@pytest.mark.django_db
def test_pages_in_english_hold_no_german(client: Client) -> None:
    client.force_login(make_user("jane", role="admin", language="en"))
    queue = make_queue("Sales", key="sales")
    project = make_project("N", name="North")
    account = make_account("help@company.example", description="Help desk")
    address = make_address("Smith Ltd")
    ticket = make_ticket(subject="Hello", queue=queue, project=project)
    document = make_document(address=address)
    pages = (
        *PAGES,
        reverse("mailaccounts:edit", args=[account.pk]),
        reverse("tickets:ticket", args=[ticket.number]),
        reverse("tickets:reply", args=[ticket.number]),
        reverse("documents:detail", args=[document.pk]),
        reverse("documents:edit", args=[document.pk]),
    )
    for page in pages:
        response = client.get(page)
        assert response.status_code == 200, page
        found = [line for line in _shown(response.content.decode()) if GERMAN.search(line)]
        assert not found, f"{page}: {found}"


def _shown(html: str) -> list[str]:
    """What a person reads or hears: texts and the attributes with texts, not what was typed in."""
    html = re.sub(r"(?s)<(textarea|script|style)\b.*?</\1>", "", html)
    spoken = re.findall(r'(?:title|aria-label|placeholder|alt|data-confirm\S*)="([^"]*)"', html)
    texts = re.sub(r"(?s)<[^>]*>", "\n", html).splitlines()
    return [unescape(text).strip() for text in (*spoken, *texts) if text.strip()]


@pytest.mark.django_db
def test_english_words_for_one_and_for_many(client: Client) -> None:
    """„Benutzer“ is one user as well as all of them; „Die Rechnung“ has no gender in English."""
    client.force_login(make_user("jane", role="admin", language="en"))
    make_employee("Jane Smith")
    page = _shown(client.get("/mitarbeiter/").content.decode())
    assert "User" in page  # the column
    assert "Users" in page  # the menu
    kind = DocumentKind.objects.get(key="rechnung")
    assert kind.with_article == "Die Rechnung"
    with translation.override("en"):
        assert kind.with_article == "The Rechnung"


@pytest.mark.django_db
def test_language_of_one_request_does_not_reach_the_next() -> None:
    english, visitor = Client(), Client()
    english.force_login(make_user("jane", language="en"))
    assert '<html lang="en"' in english.get("/").content.decode()
    page = visitor.get("/anmelden/").content.decode()
    assert '<html lang="de"' in page
    assert "Anmelden" in page


def test_day_above_messages_in_english() -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    with translation.override("en"):
        assert day_name(now - timedelta(days=3), now=now) == "Friday, 20 November 2026"
    with translation.override("de"):
        assert day_name(now - timedelta(days=3), now=now) == "Freitag, 20. November 2026"
