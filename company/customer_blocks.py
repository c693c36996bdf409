"""What is known of an address, in small blocks beside a page: each app brings its own.

settings.ADDRESS_BLOCKS stand on the address's page, settings.CUSTOMER_BLOCKS beside a ticket.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.module_loading import import_string

from company.models import Address, User
from company.timeline import Mark

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    url: str
    sub: str = ""
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A heading with lines below it and a link to all of them."""

    title: StrOrPromise
    lines: tuple[Line, ...]
    more_text: StrOrPromise = ""
    more_url: str = ""


MakeBlock = Callable[[Address, User], Block | None]


def load_blocks(paths: Sequence[str], address: Address, user: User) -> tuple[Block, ...]:
    """The blocks that have something to say to this user."""
    makers: list[MakeBlock] = [import_string(path) for path in paths]
    made = (make(address, user) for make in makers)
    return tuple(block for block in made if block is not None)
