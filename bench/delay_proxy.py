"""Hands a TCP connection on with a delay, as a distant server has it.

    python -m bench.delay_proxy LISTEN_PORT TARGET_PORT ROUND_TRIP_MS

Bytes are delayed, not throttled: what is sent together arrives together.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

_CHUNK = 1 << 18


async def main(port: int, target: int, delay: float) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            to_server, from_here = await asyncio.open_connection("127.0.0.1", target, limit=_CHUNK)
            await asyncio.gather(
                hand_on(reader, from_here, delay), hand_on(to_server, writer, delay)
            )

    server = await asyncio.start_server(serve, "127.0.0.1", port, limit=_CHUNK)
    await server.serve_forever()


async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(1000)
    clock = asyncio.get_running_loop().time

    async def read() -> None:
        data = b"-"
        while data:
            try:
                data = await reader.read(_CHUNK)
            except OSError:
                data = b""
            await waiting.put((clock() + delay, data))

    reading = asyncio.create_task(read())
    with contextlib.suppress(OSError):
        while True:
            at, data = await waiting.get()
            await asyncio.sleep(max(0.0, at - clock()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
    reading.cancel()
    writer.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) / 2000))
