"""The reading process as a mail would have it that breaks Python itself: it dies over the marked one."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from mailcore import read_beside
from mailcore.read_mail import OurMarks, Raw, ReadMail, read_each

MARK = b"toedlich"


def die_over_it(raws: Sequence[Raw], ours: OurMarks) -> list[ReadMail | Exception]:
    if any(MARK in raw.content for raw in raws):
        os._exit(11)
    return read_each(raws, ours)


if __name__ == "__main__":
    vars(read_beside)["read_each"] = die_over_it
    read_beside.serve(int(sys.argv[1]))
