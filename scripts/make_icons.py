"""Writes static/icons.svg, the sprite of the lucide icons that the pages use, and of our logo.

Usage: python scripts/make_icons.py FOLDER, where FOLDER holds the `icons/*.svg` of the lucide-static
package in the version that static/vendor/vendor.toml names. A page shows one with
`{% include "_icon.html" with name="send" %}`. To add an icon: add its name to NAMES, run this, and put
the new SHA-256 of icons.svg into vendor.toml (tests/test_vendor.py prints it).
"""

import re
import sys
from pathlib import Path

NAMES = [
    "activity",
    "alert-triangle",
    "archive",
    "arrow-down",
    "arrow-left",
    "arrow-up",
    "at-sign",
    "ban",
    "bar-chart",
    "bell",
    "bold",
    "bot",
    "building-2",
    "calendar-clock",
    "check",
    "check-circle",
    "chevron-down",
    "chevron-left",
    "chevron-right",
    "chevron-up",
    "chevrons-up-down",
    "circle",
    "circle-alert",
    "clock",
    "code",
    "contact",
    "copy",
    "download",
    "ellipsis",
    "external-link",
    "eye",
    "eye-off",
    "file",
    "file-text",
    "filter",
    "flag",
    "folder",
    "forward",
    "git-merge",
    "help-circle",
    "history",
    "hourglass",
    "image",
    "inbox",
    "info",
    "italic",
    "key-round",
    "keyboard",
    "layers",
    "layout-dashboard",
    "link",
    "list",
    "list-checks",
    "list-ordered",
    "lock",
    "log-out",
    "mail",
    "mail-plus",
    "menu",
    "message-square",
    "monitor",
    "moon",
    "panel-right",
    "paperclip",
    "pause",
    "pencil",
    "phone",
    "play",
    "plus",
    "printer",
    "quote",
    "refresh-cw",
    "remove-formatting",
    "reply",
    "reply-all",
    "route",
    "scroll-text",
    "search",
    "send",
    "server",
    "settings",
    "shield",
    "signature",
    "split",
    "square",
    "star",
    "sticky-note",
    "sun",
    "tag",
    "ticket",
    "trash-2",
    "underline",
    "undo-2",
    "unlink",
    "unlock",
    "upload",
    "user",
    "user-check",
    "user-plus",
    "users",
    "wifi-off",
    "x",
    "x-circle",
    "zap",
]
ALIASES = {"trash": "trash-2", "refresh": "refresh-cw", "undo": "undo-2"}
STATIC = Path(__file__).resolve().parent.parent / "static"
TARGET = STATIC / "icons.svg"


def write_sprite(icons: Path, target: Path) -> int:
    """Writes one <symbol> per icon to `target` and returns how many there are."""
    sources = {name: name for name in NAMES} | ALIASES
    symbols = [
        f'<symbol id="{name}" viewBox="0 0 24 24">{_drawing(icons / f"{source}.svg")}</symbol>'
        for name, source in sorted(sources.items())
    ]
    symbols.append(
        f'<symbol id="logo" viewBox="0 0 32 32">{_drawing(STATIC / "logo.svg")}</symbol>'
    )
    head = (
        "<!-- lucide, ISC licence; see vendor/vendor.toml. Written by scripts/make_icons.py -->\n"
        '<svg xmlns="http://www.w3.org/2000/svg">\n'
    )
    target.write_text(head + "\n".join(symbols) + "\n</svg>\n", encoding="utf-8")
    return len(symbols)


def _drawing(path: Path) -> str:
    """The shapes inside an icon's <svg>, on one line."""
    match = re.search(r"<svg[^>]*>(.*)</svg>", path.read_text(encoding="utf-8"), re.DOTALL)
    if match is None:
        raise SystemExit(f"{path} is not an SVG file")
    shapes = re.sub(r"\s+", " ", match.group(1)).strip()
    return shapes.replace("> <", "><").replace(" />", "/>")


def _icon_folder(given: Path) -> Path:
    return given / "icons" if (given / "icons").is_dir() else given


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    count = write_sprite(_icon_folder(Path(sys.argv[1])), TARGET)
    sys.stdout.write(f"{TARGET.name}: {count} icons\n")
