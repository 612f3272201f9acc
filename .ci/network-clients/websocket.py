"""Talks to the server with the library `websockets`: text, bytes, fragments, pings, a large
message, compression offered, a message over the limit, closes. The argument is the URL."""

import asyncio
import os
import sys

import websockets


async def main(url):
    async with websockets.connect(url) as ws:
        await ws.send("hello")
        assert await ws.recv() == "Echo: hello"
        data = os.urandom(1 << 20)
        await ws.send(data)
        assert await ws.recv() == data
        await ws.send(["frag", "men", "ted"])
        assert await ws.recv() == "Echo: fragmented"
        await asyncio.wait_for(await ws.ping(), 5)
        for i in range(500):
            await ws.send(str(i))
        for i in range(500):
            assert await ws.recv() == f"Echo: {i}"
    assert ws.close_code == 1000, ws.close_code
    async with websockets.connect(url, max_size=None) as ws:
        try:
            await ws.send(b"x" * (17 << 20))
            await ws.recv()
            raise AssertionError("a message over the limit came through")
        except websockets.ConnectionClosed as closed:
            assert closed.code == 1009, closed.code
    many = await asyncio.gather(*(websockets.connect(url) for _ in range(200)))
    for ws in many:
        await ws.send("all")
    for ws in many:
        assert await ws.recv() == "Echo: all"
    for ws in many[::2]:
        ws.transport.abort()
    for ws in many[1::2]:
        await ws.close()


asyncio.run(asyncio.wait_for(main(sys.argv[1]), 60))
