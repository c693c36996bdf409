"""Texts of the interface: collects them from code and templates into locale/en, needs no gettext tools.

Without an option the catalogue is updated and compiled; `--check` only says what is missing.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import polib
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "locale" / "en" / "LC_MESSAGES" / "django.po"
SINGULAR = {"_", "gettext", "gettext_lazy", "gettext_noop"}
PLURAL = {"ngettext", "ngettext_lazy"}
CONTEXT = {"pgettext", "pgettext_lazy"}
PLURAL_IN_CONTEXT = {"npgettext", "npgettext_lazy"}
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[ds%]|\{[A-ZÄÖÜ_…]+\}")
SKIPPED = {".venv", ".boot", "data", "tests", "bench", "migrations", "node_modules"}

Key = tuple[str | None, str, str | None]  # context, text, plural


def main() -> int:
    found = dict(sorted(_collect().items(), key=lambda item: _order(item[0])))
    if "--check" in sys.argv:
        return _check(found)
    _update(found)
    return 0


def _collect() -> dict[Key, str]:
    """Every translatable text and one place where it stands."""
    found: dict[Key, str] = {}
    for file in sorted(ROOT.rglob("*.py")):
        relative = file.relative_to(ROOT)
        if not SKIPPED & set(relative.parts):
            for key in _from_python(file.read_text()):
                found.setdefault(key, str(relative))
    for file in sorted((ROOT / "templates").rglob("*.html")):
        text = templatize(file.read_text(), origin=str(file))
        for key in _from_templatized(text):
            found.setdefault(key, str(file.relative_to(ROOT)))
    return found


def _order(key: Key) -> tuple[str, str, str]:
    context, text, plural = key
    return text, context or "", plural or ""


def _from_python(source: str) -> Iterator[Key]:
    tree = ast.parse(source)
    aliases = _aliases(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _from_call(node, aliases)


def _aliases(tree: ast.Module) -> dict[str, str]:
    """How the module calls the functions of django.utils.translation: `gettext as _now`."""
    return {
        imported.asname: imported.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for imported in node.names
        if imported.asname
    }


def _from_call(node: ast.Call, aliases: dict[str, str]) -> Iterator[Key]:
    called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    name = aliases.get(called, called)
    texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    if name in SINGULAR and texts:
        yield None, texts[0], None
    elif name in PLURAL and len(texts) >= 2:
        yield None, texts[0], texts[1]
    elif name in CONTEXT and len(texts) >= 2:
        yield texts[0], texts[1], None
    elif name in PLURAL_IN_CONTEXT and len(texts) >= 3:
        yield texts[0], texts[1], texts[2]


def _from_templatized(text: str) -> Iterator[Key]:
    """templatize leaves calls such as ` gettext(u'…') ` between runs of X."""
    calls = re.finditer(r"\b(gettext|ngettext|pgettext|npgettext|_)\(", text)
    for call in calls:
        source = _balanced(text[call.start() :])
        if source is None:
            continue
        try:
            node = ast.parse(source, mode="eval").body
        except SyntaxError:
            continue
        if isinstance(node, ast.Call):
            yield from _from_call(node, {})


def _balanced(text: str) -> str | None:
    """The call at the beginning of the text, up to its closing bracket."""
    depth, parts = 0, []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            parts.append(token.string)
            depth += {"(": 1, ")": -1}.get(token.string, 0)
            if depth == 0 and token.string == ")":
                return "".join(parts)
    except tokenize.TokenError:
        return None
    return None


def _check(found: dict[Key, str]) -> int:
    entries = {_key(entry): entry for entry in polib.pofile(str(CATALOGUE)) if not entry.obsolete}
    missing = [
        f"  {place}: {key[1]!r}"
        for key, place in found.items()
        if key not in entries or not entries[key].translated()
    ]
    stale = [key[1] for key in entries if key not in found]
    broken = [text for entry in entries.values() for text in _broken(entry)]
    compiled = {_key(e): _translation(e) for e in polib.mofile(str(CATALOGUE.with_suffix(".mo")))}
    is_old = compiled != {k: _translation(e) for k, e in entries.items() if e.translated()}
    if missing:
        print(f"{len(missing)} Texte ohne englische Übersetzung (make messages):")
        print("\n".join(missing))
    if stale:
        print(f"{len(stale)} Übersetzungen ohne Text (make messages): {stale[:20]}")
    if broken:
        print(f"{len(broken)} Übersetzungen mit anderen Platzhaltern: {broken}")
    if is_old:
        print("django.mo passt nicht zu django.po (make messages).")
    return 1 if missing or stale or broken or is_old else 0


def _broken(entry: polib.POEntry) -> Iterator[str]:
    """The texts of an entry whose translation has other placeholders; untranslated ones pass."""
    originals = (entry.msgid, entry.msgid_plural) if entry.msgid_plural else (entry.msgid,)
    for original, translation in zip(originals, _translation(entry), strict=True):
        wanted = sorted(PLACEHOLDER.findall(original))
        if translation and sorted(PLACEHOLDER.findall(translation)) != wanted:
            yield original


def _translation(entry: polib.POEntry | polib.MOEntry) -> tuple[str, ...]:
    if entry.msgid_plural:
        return entry.msgstr_plural[0], entry.msgstr_plural[1]
    return (entry.msgstr,)


def _key(entry: polib.POEntry | polib.MOEntry) -> Key:
    return entry.msgctxt or None, entry.msgid, entry.msgid_plural or None


def _update(found: dict[Key, str]) -> None:
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    old = polib.pofile(str(CATALOGUE)) if CATALOGUE.exists() else polib.POFile()
    known = {_key(entry): entry for entry in old}
    catalogue = polib.POFile(wrapwidth=100)
    catalogue.metadata = {
        "Content-Type": "text/plain; charset=UTF-8",
        "Language": "en",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }
    for (context, text, plural), place in found.items():
        previous = known.get((context, text, plural))
        catalogue.append(
            polib.POEntry(
                msgctxt=context,
                msgid=text,
                msgid_plural=plural or "",
                msgstr=previous.msgstr if previous else "",
                msgstr_plural=(previous.msgstr_plural if previous else {0: "", 1: ""})
                if plural
                else {},
                occurrences=[(place, "")],
            )
        )
    catalogue.save(str(CATALOGUE))
    catalogue.save_as_mofile(str(CATALOGUE.with_suffix(".mo")))
    print(f"{len(catalogue)} Texte, {len(catalogue.untranslated_entries())} ohne Übersetzung.")


if __name__ == "__main__":
    sys.exit(main())
