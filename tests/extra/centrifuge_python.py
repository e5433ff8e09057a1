#!/usr/bin/env python3
"""The public Python client, unmodified, against a gateway alone: in JSON and in Protobuf.

No part of tests/run, since a fresh system has no PyPI packages. To run it:

    python3 -m venv build/venv && build/venv/bin/pip install centrifuge-python
    NO_PROXY=127.0.0.1 build/venv/bin/python tests/extra/centrifuge_python.py build/bin/parley-gateway

The configuration is the one that the library's own tests want of their server (reference, section 19).
Says what it tried, a line each; exit status 1 when something failed.
"""
import asyncio
import base64
import hashlib
import hmac
import json
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request

from centrifuge import Client, ClientEventHandler, ReplyError, StreamPosition, SubscriptionEventHandler
from centrifuge.client import DeltaType

API_KEY = "test-api-key"
SECRET = "secret"
PATIENCE_S = 8
KEPT = {
    "presence": True, "join_leave": True, "force_push_join_leave": True, "history_size": 100, "history_ttl": "300s",
    "force_recovery": True, "allow_publish_for_subscriber": True, "allow_presence_for_subscriber": True,
    "allow_history_for_subscriber": True, "allow_subscribe_for_client": True, "allowed_delta_types": ["fossil"],
}
CONFIG = {
    "http_api": {"key": API_KEY},
    "client": {"token": {"hmac_secret_key": SECRET}, "subscribe_to_user_personal_channel": {"enabled": True}},
    "channel": {"without_namespace": KEPT, "namespaces": [{"name": "shut"}]},
}


def jwt(**claims):
    """A connection or subscription token, HS256."""
    def encoded(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    text = b".".join(encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    return (text + b"." + encoded(hmac.new(SECRET.encode(), text, hashlib.sha256).digest())).decode()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Events(ClientEventHandler, SubscriptionEventHandler):
    """All that was reported, by name, each in a queue."""

    def __init__(self):
        self.queues = {}

    def __getattribute__(self, name):
        if not name.startswith("on_"):
            return object.__getattribute__(self, name)

        async def note(context):
            self.queue(name[3:]).put_nowait(context)

        return note

    def queue(self, name):
        return self.queues.setdefault(name, asyncio.Queue())

    async def next(self, name):
        return await asyncio.wait_for(self.queue(name).get(), PATIENCE_S)


class Gateway:
    def __init__(self, program):
        self.port = free_port()
        self.file = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump(CONFIG, self.file)
        self.file.flush()
        self.process = subprocess.Popen([program, f"--config={self.file.name}", "--broker=memory", f"--http.port={self.port}"])
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health")
                return
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise
                time.sleep(0.02)

    def api(self, method, **params):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/{method}", json.dumps(params).encode(),
                                         {"Content-Type": "application/json", "X-API-Key": API_KEY})
        answer = json.load(urllib.request.urlopen(request))
        assert "error" not in answer, answer
        return answer["result"]

    def stop(self):
        self.process.terminate()
        return self.process.wait(PATIENCE_S)


class Guest:
    """A client of one format. Payloads are JSON values in both."""

    def __init__(self, gateway, protobuf, **options):
        self.protobuf = protobuf
        self.events = Events()
        options.setdefault("token", jwt(sub="42"))
        self.client = Client(f"ws://127.0.0.1:{gateway.port}/connection/websocket", self.events, use_protobuf=protobuf, **options)

    async def __aenter__(self):
        await self.client.connect()
        self.connected = await self.events.next("connected")
        return self

    async def __aexit__(self, *_):
        await self.client.disconnect()

    def encode(self, value):
        return json.dumps(value).encode() if self.protobuf else value

    def decode(self, data):
        return json.loads(data) if self.protobuf else data

    async def subscribe(self, channel, **options):
        events = Events()
        subscription = self.client.new_subscription(channel, events, **options)
        await subscription.subscribe()
        await asyncio.wait_for(subscription.ready(), PATIENCE_S)
        return subscription, events

    async def heard(self, events):
        return self.decode((await events.next("publication")).pub.data)


# ---- what is tried: each gets the gateway and the format ----

async def connect_and_disconnect(gateway, protobuf):
    async with Guest(gateway, protobuf) as ada:
        assert ada.connected.client
    assert (await ada.events.next("disconnected")).code == 0


async def subscribe_publish_unsubscribe(gateway, protobuf):
    async with Guest(gateway, protobuf) as ada, Guest(gateway, protobuf) as bob:
        subscription, own = await ada.subscribe("talk")
        _, other = await bob.subscribe("talk")
        for n in range(5):
            await subscription.publish(ada.encode({"n": n, "text": "Straße 🫖"}))
        for guest, events in ((ada, own), (bob, other)):
            assert [(await guest.heard(events))["n"] for _ in range(5)] == list(range(5))
        await subscription.unsubscribe()
        assert (await own.next("unsubscribed")).code == 0


async def join_and_leave(gateway, protobuf):
    async with Guest(gateway, protobuf) as ada:
        _, events = await ada.subscribe("crowd")
        assert (await events.next("join")).info.user == "42"
        async with Guest(gateway, protobuf, token=jwt(sub="43")) as bob:
            await bob.subscribe("crowd")
            assert (await events.next("join")).info.user == "43"
        assert (await events.next("leave")).info.user == "43"


async def history_and_presence(gateway, protobuf):
    async with Guest(gateway, protobuf) as ada:
        channel = f"past{protobuf}"
        subscription, _ = await ada.subscribe(channel)
        for n in range(1, 6):
            gateway.api("publish", channel=channel, data={"n": n})
        page = await subscription.history(limit=-1)
        assert [ada.decode(pub.data)["n"] for pub in page.publications] == [1, 2, 3, 4, 5] and page.offset == 5
        since = StreamPosition(offset=2, epoch=page.epoch)
        assert [pub.offset for pub in (await subscription.history(limit=2, since=since)).publications] == [3, 4]
        assert [pub.offset for pub in (await subscription.history(limit=2, reverse=True)).publications] == [5, 4]
        presence = await subscription.presence()
        assert [info.user for info in presence.clients.values()] == ["42"]
        stats = await subscription.presence_stats()
        assert (stats.num_clients, stats.num_users) == (1, 1)


async def refused(gateway, protobuf):
    async with Guest(gateway, protobuf) as ada:
        for attempt in (ada.client.publish("shut:1", ada.encode({})), ada.client.history("shut:1"), ada.client.presence("nowhere:1"),
                        ada.client.rpc("method", ada.encode({}))):
            try:
                await attempt
            except ReplyError as error:
                assert error.code in (102, 103, 108), error.code
            else:
                raise AssertionError("was not refused")
        events = Events()
        await ada.client.new_subscription("shut:1", events).subscribe()
        assert (await events.next("unsubscribed")).code == 103


async def expired_token_then_another(gateway, protobuf):
    asked = []

    async def get_token():
        asked.append(1)
        return jwt(sub="42")

    async with Guest(gateway, protobuf, token=jwt(sub="42", exp=int(time.time()) - 10), get_token=get_token):
        assert asked


async def token_refresh(gateway, protobuf):
    asked = asyncio.Queue()

    async def get_token():
        asked.put_nowait(1)
        return jwt(sub="42", exp=int(time.time()) + 60)

    async with Guest(gateway, protobuf, token=jwt(sub="42", exp=int(time.time()) + 2), get_token=get_token) as ada:
        await asyncio.wait_for(asked.get(), PATIENCE_S)
        await ada.subscribe("after refresh")
        assert ada.events.queue("disconnected").empty()


async def subscription_token_refresh(gateway, protobuf):
    asked = asyncio.Queue()

    async def get_token(*_):
        asked.put_nowait(1)
        return jwt(sub="42", channel="$private", exp=int(time.time()) + 60)

    async with Guest(gateway, protobuf) as ada:
        token = jwt(sub="42", channel="$private", exp=int(time.time()) + 2)
        _, events = await ada.subscribe("$private", token=token, get_token=get_token)
        await asyncio.wait_for(asked.get(), PATIENCE_S)
        gateway.api("publish", channel="$private", data="still here")
        assert await ada.heard(events) == "still here"


async def server_side_subscriptions(gateway, protobuf):
    user = f"server{protobuf}"
    token = jwt(sub=user, channels=["given"])
    async with Guest(gateway, protobuf, token=token) as ada:
        channels = {(await ada.events.next("subscribed")).channel for _ in range(2)}
        assert channels == {"given", f"#{user}"}, channels
        for channel in channels:
            gateway.api("publish", channel=channel, data={"to": channel})
            context = await ada.events.next("publication")
            assert (context.channel, ada.decode(context.pub.data)) == (channel, {"to": channel})
        gateway.api("unsubscribe", user=user, channel="given")
        assert (await ada.events.next("unsubscribed")).channel == "given"
        gateway.api("disconnect", user=user)
        assert (await ada.events.next("disconnected")).code == 3503


async def recovery(gateway, protobuf):
    channel = f"recovered{protobuf}"
    async with Guest(gateway, protobuf) as ada:
        subscription, events = await ada.subscribe(channel)
        gateway.api("publish", channel=channel, data=1)
        assert await ada.heard(events) == 1
        await ada.client.disconnect()
        for n in (2, 3):
            gateway.api("publish", channel=channel, data=n)
        await events.next("subscribed")
        await ada.client.connect()
        context = await events.next("subscribed")
        assert context.was_recovering and context.recovered
        assert [await ada.heard(events) for _ in range(2)] == [2, 3]


async def deltas(gateway, protobuf):
    channel = f"delta{protobuf}"
    async with Guest(gateway, protobuf) as ada:
        _, events = await ada.subscribe(channel, delta=DeltaType.FOSSIL)
        for n in range(10):
            data = {"n": n, "text": "Съешь же ещё этих мягких французских булок" + "ж" * n}
            gateway.api("publish", channel=channel, data=data, delta=True)
            assert await ada.heard(events) == data


TRIED = [connect_and_disconnect, subscribe_publish_unsubscribe, join_and_leave, history_and_presence, refused, expired_token_then_another,
         token_refresh, subscription_token_refresh, server_side_subscriptions, recovery, deltas]


async def run(gateway):
    failed = 0
    for protobuf in (False, True):
        for attempt in TRIED:
            name = f"{attempt.__name__}, {'Protobuf' if protobuf else 'JSON'}"
            try:
                await asyncio.wait_for(attempt(gateway, protobuf), 4 * PATIENCE_S)
                print(f"ok      {name}")
            except Exception:  # whatever it is, the next one is tried
                failed += 1
                print(f"FAILED  {name}")
                traceback.print_exc()
    return failed


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    gateway = Gateway(sys.argv[1])
    failed = asyncio.run(run(gateway))
    if gateway.stop() != 0:
        print("FAILED  the gateway's end")
        failed += 1
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
