from __future__ import annotations

import base64

import pytest

from mailcore.mime import Part
from mailcore.transfer import LARGE, decode_transfer


@pytest.mark.parametrize("fault", [b"", b"*", b"=\r\n", b"\r\n\r\n-- \r\nListe\r\n"])
def test_a_large_file_is_decoded_as_a_small_one_is(fault: bytes) -> None:
    content = bytes(range(256)) * 20_000
    encoded = base64.encodebytes(content)
    middle = len(encoded) // 2
    data = encoded[:middle] + fault + encoded[middle:]
    part = Part("1", (), b"x" + data + b"y", 1, len(data) + 1, encoding="base64")

    assert len(data) > LARGE
    assert part.decode() == decode_transfer(data, "base64")
