"""Writes static/css/app.css, the one style sheet of the pages, from static/css/parts/*.css.

One file is one request; the parts are what one edits. Run it after every change of a part
(tests/test_static_files.py notices when it was forgotten).
"""

import re
import sys
from pathlib import Path

CSS = Path(__file__).resolve().parent.parent / "static" / "css"
HEAD = "/* Written by scripts/make_css.py from css/parts: edit those. */\n"


def join_parts(folder: Path) -> str:
    """The parts in the order of their names, without comments, indentation and empty lines."""
    text = "".join(part.read_text(encoding="utf-8") for part in sorted(folder.glob("*.css")))
    without_comments = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    lines = (line.strip() for line in without_comments.splitlines())
    return HEAD + "\n".join(line for line in lines if line) + "\n"


if __name__ == "__main__":
    joined = join_parts(CSS / "parts")
    (CSS / "app.css").write_text(joined, encoding="utf-8")
    sys.stdout.write(f"app.css: {len(joined)} characters\n")
