"""The generated static files are current, within their budget, and name only what exists."""

import gzip
import re
from pathlib import Path

from scripts.make_css import join_parts

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "static"
TEMPLATES = ROOT / "templates"


def _gzipped(paths: list[Path]) -> int:
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in paths)


def test_style_sheet_is_what_its_parts_give() -> None:
    assert (STATIC / "css" / "app.css").read_text(encoding="utf-8") == join_parts(
        STATIC / "css" / "parts"
    )


def test_style_sheet_and_scripts_keep_their_budgets() -> None:
    assert _gzipped([STATIC / "css" / "app.css"]) <= 15_000
    own = {path.name: path for path in (STATIC / "js").glob("*.js")}
    htmx = [*(STATIC / "vendor").glob("htmx-*/htmx.min.js")]
    editor = [
        *(STATIC / "vendor").glob("*/squire.js"),
        *(STATIC / "vendor").glob("*/purify.min.js"),
    ]
    of_the_composer = {"editor.js", "upload.js"}
    of_one_page = {
        *("tickets.js", "positions.js", "fill.js", "dispatch.js", "template.js"),
        *("marks.js", "place.js"),
    }
    when_signed_out = {"session.js"}
    seldom = of_the_composer | of_one_page | when_signed_out
    always = [path for name, path in own.items() if name not in seldom]
    largest = max((own[name] for name in of_one_page), key=lambda path: _gzipped([path]))
    writing = ("editor.js", "upload.js", "tickets.js", "template.js")
    # Nothing in a ticket's composer is revealed by a switch; „abschicken“ has that, but no tickets.js.
    composer = [*(set(always) - {own["reveal.js"]}), *(own[name] for name in writing)]
    assert _gzipped([*always, largest]) <= 15_000
    assert _gzipped([*always, largest, *htmx]) <= 30_000
    assert _gzipped(composer + htmx + editor) <= 65_000


def test_templates_show_only_icons_that_the_sprite_holds() -> None:
    sprite = (STATIC / "icons.svg").read_text(encoding="utf-8")
    held = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    used = {
        name
        for template in TEMPLATES.rglob("*.html")
        for name in re.findall(
            r'"_icon\.html" with name="([^"]+)"', template.read_text(encoding="utf-8")
        )
    }
    assert used
    assert used <= held


def test_templates_hold_no_inline_script_style_or_handler() -> None:
    """The frame around a mail has a policy of its own, with styles."""
    forbidden = re.compile(r"<style|<script(?![^>]*\bsrc=)|\son[a-z]+=|hx-on|javascript:", re.I)
    found = {
        f"{template.relative_to(ROOT)}: {match.group()}"
        for template in TEMPLATES.rglob("*.html")
        if template != TEMPLATES / "mailstore" / "frame.html"
        for match in forbidden.finditer(template.read_text(encoding="utf-8"))
    }
    assert found == set()
