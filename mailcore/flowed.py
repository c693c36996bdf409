"""Joins the lines that `format=flowed` has broken (RFC 3676), quotes kept apart."""

from __future__ import annotations

_SIGNATURE = "-- "


def join_flowed(text: str, *, delete_space: bool) -> str:
    """The text with one line per paragraph; `delete_space` is the parameter DelSp=yes."""
    lines: list[str] = []
    pieces: list[str] = []  # of the paragraph that goes on
    depth_before = 0
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")  # stuffed, so that „From “ or „>“ can begin a line
        if pieces and (depth != depth_before or content == _SIGNATURE):
            lines.append("".join(pieces))
            pieces.clear()
        if not pieces and depth:
            pieces.append(f"{'>' * depth} " if content else ">" * depth)
        depth_before = depth
        goes_on = content.endswith(" ") and content != _SIGNATURE
        pieces.append(content[:-1] if goes_on and delete_space else content)
        if not goes_on:
            lines.append("".join(pieces))
            pieces.clear()
    if pieces:
        lines.append("".join(pieces))
    return "\n".join(lines)
