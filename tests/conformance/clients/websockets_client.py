"""A scenario with Python's websockets: URL, steps on stdin as a JSON list, what happened on stdout, one JSON a line."""
import asyncio
import json
import sys

import websockets


def tell(what):
    print(json.dumps(what), flush=True)


class Client:
    def __init__(self, socket):
        self.socket = socket
        self.heard = 0

    async def send(self, text, binary=False, fragment=None):
        payload = text.encode() if binary else text
        pieces = [payload[at : at + fragment] for at in range(0, len(payload), fragment)] if fragment else payload
        await self.socket.send(pieces)

    async def ping(self, payload):
        await (await self.socket.ping(payload))
        tell({"pong": payload})

    async def hear(self, lines):
        while self.heard < lines:
            for line in (await self.socket.recv()).split("\n"):
                tell({"message": line})
                self.heard += 1

    async def close(self, code, reason):
        await self.socket.close(code, reason)

    async def closed(self):
        await self.socket.wait_closed()


async def main():
    socket = await websockets.connect(sys.argv[1], subprotocols=["centrifuge-json"], compression=None, ping_interval=None)
    tell({"protocol": socket.subprotocol})
    client = Client(socket)
    for step in json.load(sys.stdin):
        await getattr(client, step.pop("do"))(**step)
    await socket.wait_closed()
    tell({"closed": [socket.close_code, socket.close_reason]})


asyncio.run(main())
