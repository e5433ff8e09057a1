// What the server API does to connections, and joins and leaves, as the public client sees them, over each transport and format.
import assert from 'node:assert/strict';
import { Alone, Cable, Client, allTransports, eventually, overEach, test } from './harness/index.js';

const CONFIG = allTransports({
  channel: {
    without_namespace: { presence: true },
    namespaces: [
      { name: 'stream', history_size: 10, history_ttl: '300s', force_recovery: true },
      { name: 'open', history_size: 10, history_ttl: '300s', force_recovery: true, allow_subscribe_for_client: true },
      { name: 'crowd', presence: true, join_leave: true, force_push_join_leave: true, allow_subscribe_for_client: true, allow_presence_for_subscriber: true },
      { name: 'quiet', presence: true, join_leave: true, allow_subscribe_for_client: true, allow_presence_for_client: true },
    ],
  },
});

let users = 0;

async function connect(t, gateway, over, { user = `user${++users}`, claims = {}, ...options } = {}) {
  const client = await Client.connect(t, gateway, over, { token: gateway.token({ sub: user, ...claims }), ...options });
  return Object.assign(client, { user, id: client.all('connected')[0].client });
}

test('the API subscribes a user: publications follow, in order, until it unsubscribes them', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const user = `ada of ${over.name}`;
    const [phone, laptop, other] = [await connect(t, gateway, over, { user }), await connect(t, gateway, over, { user }), await connect(t, gateway, over)];
    const channel = `stream:${over.name}`;
    await gateway.api('publish', { channel, data: 0 });
    await gateway.api('subscribe', { user, channel, data: { from: 'the server' } });
    for (const data of [1, 2, 3]) await gateway.api('publish', { channel, data });
    for (const client of [phone, laptop]) {
      const { recoverable, positioned, streamPosition, data } = await client.next('subscribed', channel);
      assert.deepEqual([recoverable, positioned, streamPosition.offset, data], [true, true, 1, { from: 'the server' }]);
      assert.deepEqual(await client.received(channel, 3), [1, 2, 3]);
    }
    await gateway.api('unsubscribe', { user, channel, client: phone.id });
    const { channel: named } = await phone.next('unsubscribed', channel);
    assert.equal(named, channel);
    await gateway.api('publish', { channel, data: 4 });
    await laptop.received(channel, 4);
    await gateway.api('unsubscribe', { user, channel });
    await laptop.next('unsubscribed', channel);
    await gateway.api('publish', { channel, data: 5 });
    for (const client of [phone, laptop, other]) await client.settle();
    assert.deepEqual([phone, laptop, other].map((client) => client.data(channel).length), [3, 4, 0]);
  });
});

test('the API ends a client\'s own subscription with 2000, for good', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const client = await connect(t, gateway, over);
    for (const channel of ['crowd:1', 'crowd:2']) await client.subscribe(channel);
    await gateway.api('unsubscribe', { user: client.user, channel: 'crowd:1' });
    const { code, reason } = await client.next('unsubscribed', 'crowd:1');
    assert.deepEqual([code, reason], [2000, 'server unsubscribe']);
    await gateway.api('unsubscribe', { user: client.user, channel: '' });
    await client.next('unsubscribed', 'crowd:2');
    await client.settle();
    assert.equal(client.all('subscribing').length, 2, 'it does not come back by itself');
    await client.subscribe('crowd:1');
  });
});

test('server-side subscriptions are recovered when the client comes back', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const cable = await Cable.lay(t, gateway.port);
    const channel = `stream:back ${over.name}`;
    const client = await connect(t, gateway, over, { port: cable.port, claims: { channels: [channel] } });
    await gateway.api('publish', { channel, data: 1 });
    await client.received(channel, 1);
    cable.cut();
    await client.until(() => client.library.state !== 'connected', 'loss');
    for (const data of [2, 3]) await gateway.api('publish', { channel, data });
    cable.mend();
    assert.deepEqual(await client.received(channel, 3), [1, 2, 3]);
    const { wasRecovering, recovered, hasRecoveredPublications } = client.all('subscribed', channel)[1];
    assert.deepEqual([wasRecovering, recovered, hasRecoveredPublications], [true, true, true]);
    await gateway.api('publish', { channel, data: 4 });
    assert.deepEqual(await client.received(channel, 4), [1, 2, 3, 4]);
    assert.deepEqual(client.offsets(channel), [1, 2, 3, 4]);
  });
});

test('what the API had subscribed is gone after a reconnect when the client may not have it', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const cable = await Cable.lay(t, gateway.port);
    const client = await connect(t, gateway, over, { port: cable.port });
    const [closed, open] = [`stream:gift ${over.name}`, `open:gift ${over.name}`];
    for (const channel of [closed, open]) {
      await gateway.api('subscribe', { user: client.user, channel });
      await client.next('subscribed', channel);
    }
    cable.cut();
    await client.until(() => client.library.state !== 'connected', 'loss');
    cable.mend();
    await client.next('unsubscribed', closed);
    await client.until(() => client.all('connected').length === 2, 'return');
    assert.equal(client.all('unsubscribed', open).length, 0, 'what it may subscribe to itself, it keeps');
  });
});

test('a server-side subscription can begin at a position', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const client = await connect(t, gateway, over);
    const channel = `stream:since ${over.name}`;
    for (const data of [1, 2, 3]) await gateway.api('publish', { channel, data });
    const { epoch } = await gateway.api('history', { channel });
    await gateway.api('subscribe', { user: client.user, channel, recover_since: { offset: 1, epoch } });
    await gateway.api('publish', { channel, data: 4 });
    await client.until(() => client.data(channel).includes(4), 'the last');
    assert.deepEqual(client.data(channel), [2, 3, 4]);
  });
});

test('the API disconnects: for good, for now, with a code of its own, all but some', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const user = `gone of ${over.name}`;
    const [first, second, third] = [await connect(t, gateway, over, { user }), await connect(t, gateway, over, { user }), await connect(t, gateway, over, { user })];
    await gateway.api('disconnect', { user, client: first.id });
    const usual = await first.next('disconnected');
    assert.deepEqual([usual.code, usual.reason], [3503, 'force disconnect']);
    await gateway.api('disconnect', { user, whitelist: [third.id], disconnect: { code: 4500, reason: 'go away' } });
    const own = await second.next('disconnected');
    assert.deepEqual([own.code, own.reason], [4500, 'go away']);
    await third.settle();
    assert.equal(third.library.state, 'connected');
    await gateway.api('disconnect', { user, disconnect: { code: 4000, reason: 'come again' } });
    await third.until(() => third.all('connecting').some(({ code, reason }) => code === 4000 && reason === 'come again'), '4000');
    await third.until(() => third.all('connected').length === 2, 'return');
  });
});

test('the API refreshes a connection: until when, for ever, or not at all', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const inSeconds = (n) => Math.floor(Date.now() / 1000) + n;
  await overEach(t, async (t, over) => {
    const client = await connect(t, gateway, over, { claims: { exp: inSeconds(100) }, getToken: async () => gateway.token({ sub: client.user }) });
    await gateway.api('refresh', { user: client.user, expire_at: inSeconds(500) });
    await gateway.api('refresh', { user: client.user });
    await client.settle();
    assert.deepEqual(client.all('disconnected'), []);
    await gateway.api('refresh', { user: client.user, expired: true });
    await client.until(() => client.all('connecting').some(({ code }) => code === 3005), '3005');
  });
});

test('who is in a channel hears who joins and leaves: the own join too, not the own leave', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const channel = `crowd:${over.name}`;
    const [ada, bob] = [await connect(t, gateway, over), await connect(t, gateway, over)];
    await ada.subscribe(channel);
    const own = await ada.next('join', channel);
    assert.deepEqual([own.info.user, own.info.client], [ada.user, ada.id]);
    await bob.subscribe(channel);
    assert.equal((await ada.next('join', channel)).info.client, bob.id);
    assert.equal((await bob.next('join', channel)).info.client, bob.id);
    await bob.unsubscribe(channel);
    assert.equal((await ada.next('leave', channel)).info.client, bob.id);
    await bob.subscribe(channel);
    await ada.next('join', channel);
    bob.library.disconnect();
    assert.equal((await ada.next('leave', channel)).info.user, bob.user);
    assert.deepEqual(bob.all('leave'), []);
    const order = ada.seen.filter(({ what, channel: name }) => name === channel && /^(subscribed|join|leave)$/.test(what)).map(({ what }) => what);
    assert.deepEqual(order, ['subscribed', 'join', 'join', 'leave', 'join', 'leave']);
    await eventually(async () => Object.keys((await ada.presence(channel)).clients).join() === ada.id, 'ada alone is present');
  });
});

test('joins and leaves come to those who ask for them where they are not pushed to all', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const channel = `quiet:${over.name}`;
    const [asks, does, not] = [await connect(t, gateway, over), await connect(t, gateway, over), await connect(t, gateway, over)];
    await asks.subscribe(channel, { joinLeave: true });
    await not.subscribe(channel);
    await does.subscribe(channel);
    await does.unsubscribe(channel);
    await asks.next('leave', channel);
    assert.deepEqual(asks.all('join').map(({ info }) => info.client), [asks.id, not.id, does.id]);
    await not.settle();
    assert.deepEqual([not.all('join'), not.all('leave'), does.all('join')], [[], [], []]);
  });
});

test('join and leave of server-side subscriptions are told too', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const channel = `crowd:given ${over.name}`;
    const [ada, bob] = [await connect(t, gateway, over, { claims: { channels: [channel] } }), await connect(t, gateway, over)];
    assert.equal((await ada.next('join', channel)).info.client, ada.id);
    await gateway.api('subscribe', { user: bob.user, channel });
    assert.equal((await ada.next('join', channel)).info.client, bob.id);
    await gateway.api('unsubscribe', { user: bob.user, channel });
    assert.equal((await ada.next('leave', channel)).info.client, bob.id);
    assert.equal((await bob.next('join', channel)).info.client, bob.id);
    await bob.settle();
    assert.deepEqual(bob.all('leave'), []);
  });
});
