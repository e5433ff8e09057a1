"""A scenario with Python's autobahn: URL, steps on stdin as a JSON list, what happened on stdout, one JSON a line."""
import asyncio
import json
import sys

from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol


def tell(what):
    print(json.dumps(what), flush=True)


class Client(WebSocketClientProtocol):
    def onOpen(self):
        tell({"protocol": self.websocket_protocol_in_use})
        self.heard = 0
        self.pongs = 0
        self.news = asyncio.Event()
        self.running = asyncio.ensure_future(self.run())

    async def run(self):
        for step in json.load(sys.stdin):
            await getattr(self, "do_" + step.pop("do"))(**step)

    async def until(self, condition):
        while not condition():
            self.news.clear()
            await self.news.wait()

    async def do_send(self, text, binary=False, fragment=None):
        self.sendMessage(text.encode(), isBinary=binary, fragmentSize=fragment)

    async def do_ping(self, payload):
        before = self.pongs
        self.sendPing(payload.encode())
        await self.until(lambda: self.pongs > before)

    async def do_hear(self, lines):
        await self.until(lambda: self.heard >= lines)

    async def do_close(self, code, reason):
        self.sendClose(code, reason)

    async def do_closed(self):
        pass  # onClose tells

    def onMessage(self, payload, isBinary):
        for line in payload.decode().split("\n"):
            tell({"message": line})
            self.heard += 1
        self.news.set()

    def onPong(self, payload):
        tell({"pong": payload.decode()})
        self.pongs += 1
        self.news.set()

    def onClose(self, wasClean, code, reason):
        tell({"closed": [code, reason or ""]})
        asyncio.get_event_loop().stop()


async def connect(loop):
    url = sys.argv[1]
    factory = WebSocketClientFactory(url, protocols=["centrifuge-json"])
    factory.protocol = Client
    await loop.create_connection(factory, factory.host, factory.port)


loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
loop.run_until_complete(connect(loop))
loop.run_forever()
