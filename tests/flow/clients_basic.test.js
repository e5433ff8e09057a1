// The public client and a gateway alone: connections, channels and commands, over each transport and format.
import assert from 'node:assert/strict';
import { Alone, Cable, Client, allTransports, eventually, overEach, test } from './harness/index.js';

// What the conformance suite of centrifuge-js asks its server for, and namespaces without history or presence.
const CONFIG = allTransports({
  client: { insecure: true },
  channel: {
    without_namespace: { presence: true, history_size: 100, history_ttl: '300s', force_recovery: true, allow_publish_for_client: true },
    namespaces: [{ name: 'plain' }, { name: 'crowd', presence: true, join_leave: true, force_push_join_leave: true }],
  },
});

async function gatewayOf(t, config = CONFIG) {
  return Alone.start(t, config);
}

test('a client connects, is told who it is, and disconnects', async (t) => {
  const gateway = await gatewayOf(t);
  await overEach(t, async (t, over) => {
    const client = Client.make(t, gateway, over, { name: 'flow', version: '1.2.3', data: { hello: 'there' } });
    const { transport, client: id } = await client.connected();
    assert.equal(transport, over.transport);
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    client.library.disconnect();
    const { code, reason } = await client.next('disconnected');
    assert.deepEqual([code, reason], [0, 'disconnect called']);
    const again = await client.connected().catch(({ code: refused }) => refused);
    assert.equal(again, 0, 'the earlier end is still the first');
  });
});

test('a connection can be made and ended many times', async (t) => {
  const gateway = await gatewayOf(t);
  await overEach(t, async (t, over) => {
    const client = Client.make(t, gateway, over);
    for (let round = 0; round < 10; round++) {
      client.library.connect();
      await client.next('connected');
      client.library.disconnect();
      await client.next('disconnected');
    }
    assert.equal(new Set(client.all('connected').map(({ client: id }) => id)).size, 10, 'each connection has an id of its own');
  });
});

test('what one client publishes reaches every subscriber and itself, with who it is', async (t) => {
  const gateway = await gatewayOf(t);
  await overEach(t, async (t, over) => {
    const [ada, bob] = [await Client.connect(t, gateway, over), await Client.connect(t, gateway, over)];
    const channel = `talk of ${over.name}`;
    await Promise.all([ada.subscribe(channel), bob.subscribe(channel)]);
    const sent = [{ n: 1 }, ['a', 'list'], 'Straße 🫖 \n "quoted"', 5, 0.5, true, { nested: { deep: [null] } }];
    for (const data of sent) await ada.publish(channel, data);
    for (const client of [ada, bob]) {
      assert.deepEqual(await client.received(channel, sent.length), sent);
      assert.deepEqual(client.offsets(channel), sent.map((_, i) => i + 1));
      assert.equal(client.all('publication', channel)[0].info.client, ada.all('connected')[0].client);
    }
  });
});

test('subscriptions made and ended in a loop hear what is said meanwhile, and nothing after', async (t) => {
  const gateway = await gatewayOf(t);
  await overEach(t, async (t, over) => {
    const client = await Client.connect(t, gateway, over);
    const channel = `loop of ${over.name}`;
    for (let round = 1; round <= 10; round++) {
      await client.subscribe(channel);
      await gateway.api('publish', { channel, data: { round } });
      await client.received(channel, round);
      await client.unsubscribe(channel);
      assert.deepEqual((await client.next('unsubscribed', channel)).code, 0);
    }
    await gateway.api('publish', { channel, data: { round: 11 } });
    await client.settle();
    assert.equal(client.data(channel).length, 10);
  });
});

test('many channels of one client are subscribed to together', async (t) => {
  const gateway = await gatewayOf(t);
  await overEach(t, async (t, over) => {
    const client = Client.make(t, gateway, over);
    const channels = Array.from({ length: 60 }, (_, i) => `many ${i} of ${over.name}`);
    for (const channel of channels) client.subscription(channel, {}).subscribe();
    await client.connected();
    await client.until(() => client.all('subscribed').length === channels.length, 'all subscriptions');
    await gateway.api('broadcast', { channels, data: { to: 'all' } });
    await client.until(() => client.all('publication').length === channels.length, 'one publication in each');
    assert.deepEqual(client.all('publication').map(({ channel }) => channel).sort(), [...channels].sort());
  });
});

test('a client that changes its mind faster than it is answered ends where it wanted to be', async (t) => {
  const gateway = await gatewayOf(t);
  await overEach(t, async (t, over) => {
    const channel = `hasty ${over.name}`;
    const client = Client.make(t, gateway, over);
    for (let round = 0; round < 10; round++) {
      client.library.connect();
      client.library.disconnect();
    }
    await client.next('disconnected');
    client.library.connect();
    await client.until(() => client.library.state === 'connected', 'connection');
    const subscription = client.subscription(channel, {});
    for (let round = 0; round < 10; round++) {
      subscription.subscribe();
      subscription.unsubscribe();
    }
    subscription.subscribe();
    const { numClients } = await subscription.presenceStats(); // waits for the subscription
    assert.equal(numClients, 1);
    client.library.disconnect();
    client.library.connect();
    subscription.unsubscribe();
    subscription.subscribe();
    await client.until(() => subscription.state === 'subscribed', 'subscription');
    await gateway.api('publish', { channel, data: 'once' });
    assert.deepEqual(await client.received(channel, 1), ['once']);
    subscription.unsubscribe();
    // Of the connection that was given up, Node's own fetch may keep the socket for a while.
    const { client: id } = client.all('connected').at(-1);
    await eventually(async () => !(id in (await client.ask('presence', channel)).clients), 'this connection left');
    assert.deepEqual(client.data(channel), ['once']);
  });
});

test('a client that is told of the network going and coming is connected in the end', async (t) => {
  const gateway = await gatewayOf(t);
  await overEach(t, async (t, over) => {
    const networkEventTarget = new EventTarget();
    const client = Client.make(t, gateway, over, { networkEventTarget });
    const channel = `network ${over.name}`;
    client.subscription(channel, {}).subscribe();
    client.library.connect();
    networkEventTarget.dispatchEvent(new Event('offline')); // before the transport is open
    networkEventTarget.dispatchEvent(new Event('online'));
    await client.until(() => client.all('subscribed', channel).length === 1, 'subscription');
    networkEventTarget.dispatchEvent(new Event('offline'));
    assert.equal(client.library.state, 'connecting');
    networkEventTarget.dispatchEvent(new Event('online'));
    await client.until(() => client.all('subscribed', channel).length === 2, 'subscription again');
    await gateway.api('publish', { channel, data: 'here' });
    assert.deepEqual(await client.received(channel, 1), ['here']);
    await eventually(async () => (await client.ask('presenceStats', channel)).numClients === 1, 'the earlier connections are gone');
  });
});

test('presence names each connection in the channel, and presence_stats counts them', async (t) => {
  const gateway = await gatewayOf(t);
  await overEach(t, async (t, over) => {
    const users = ['ada', 'bob', 'ada'];
    const clients = await Promise.all(users.map((sub) => Client.connect(t, gateway, over, { token: gateway.token({ sub }) })));
    const channel = `present ${over.name}`;
    for (const client of clients) await client.subscribe(channel);
    const ids = clients.map((client) => client.all('connected')[0].client);
    assert.deepEqual(Object.keys((await clients[0].presence(channel)).clients).sort(), [...ids].sort());
    assert.deepEqual((await clients[0].presence(channel)).clients[ids[1]], { user: 'bob', client: ids[1] });
    assert.deepEqual(await clients[0].ask('presenceStats', channel), { numClients: 3, numUsers: 2 });
    await clients[2].unsubscribe(channel);
    assert.deepEqual(await clients[0].ask('presenceStats', channel), { numClients: 2, numUsers: 2 });
    assert.deepEqual(Object.keys((await clients[0].presence(channel)).clients).sort(), ids.slice(0, 2).sort());
  });
});

test('history gives what was asked for: limits, positions, both directions', async (t) => {
  const gateway = await gatewayOf(t);
  await overEach(t, async (t, over) => {
    const client = await Client.connect(t, gateway, over);
    const channel = `past of ${over.name}`;
    const sub = await client.subscribe(channel);
    for (let n = 1; n <= 10; n++) await gateway.api('publish', { channel, data: { n }, tags: { n: `${n}` } });
    const { epoch } = sub.streamPosition;
    const read = async (options) => {
      const page = await client.history(channel, options);
      assert.deepEqual([page.offset, page.epoch], [10, epoch], JSON.stringify(options));
      return page.publications.map(({ offset }) => offset);
    };
    const rows = [
      [{}, []], // the position alone
      [{ limit: 0 }, []],
      [{ limit: 3 }, [1, 2, 3]],
      [{ limit: -1 }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
      [{ limit: 100 }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
      [{ limit: 2, reverse: true }, [10, 9]],
      [{ limit: -1, reverse: true }, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]],
      [{ limit: 3, since: { offset: 5, epoch } }, [6, 7, 8]],
      [{ limit: -1, since: { offset: 8, epoch } }, [9, 10]],
      [{ limit: -1, since: { offset: 10, epoch } }, []],
      [{ limit: 3, since: { offset: 5, epoch }, reverse: true }, [4, 3, 2]],
      [{ limit: -1, since: { offset: 3, epoch }, reverse: true }, [2, 1]],
    ];
    for (const [options, offsets] of rows) assert.deepEqual(await read(options), offsets, JSON.stringify(options));
    const [second] = (await client.history(channel, { limit: 1, since: { offset: 1, epoch } })).publications;
    assert.deepEqual([second.data, second.tags], [{ n: 2 }, { n: '2' }]);
    await assert.rejects(client.history(channel, { since: { offset: 5, epoch: 'other' }, limit: 1 }), { code: 112, message: 'unrecoverable position' });
    await assert.rejects(client.history(channel, { since: { offset: 0, epoch }, limit: 1, reverse: true }), { code: 107, message: 'bad request' });
  });
});

test('what a channel does not have is error 108, what does not exist 102, and rpc without a back end 108', async (t) => {
  const gateway = await gatewayOf(t);
  await overEach(t, async (t, over) => {
    const client = await Client.connect(t, gateway, over);
    const unavailable = { code: 108, message: 'not available' };
    await assert.rejects(client.presence('plain:1'), unavailable);
    await assert.rejects(client.ask('presenceStats', 'plain:1'), unavailable);
    await assert.rejects(client.history('plain:1', { limit: 1 }), unavailable);
    await assert.rejects(client.rpc('anything', {}), unavailable);
    const unknown = { code: 102, message: 'unknown channel' };
    await assert.rejects(client.publish('nowhere:1', {}), unknown);
    await assert.rejects(client.presence('nowhere:1'), unknown);
    await assert.rejects(client.subscribe('nowhere:1'), { code: 102 });
    await assert.rejects(client.subscribe('x'.repeat(256)), { code: 107 });
    await client.publish('plain:1', {});
  });
});

test('a client whose network breaks comes back by itself, with its subscriptions and all that it missed', async (t) => {
  const gateway = await gatewayOf(t);
  await overEach(t, async (t, over) => {
    const cable = await Cable.lay(t, gateway.port);
    const client = await Client.connect(t, gateway, over, { port: cable.port });
    const channel = `cut ${over.name}`;
    await client.subscribe(channel);
    await gateway.api('publish', { channel, data: 1 });
    await client.received(channel, 1);
    cable.cut();
    assert.equal((await client.next('subscribing', channel)).code, 0);
    await client.next('connecting');
    await client.next('connecting');
    assert.equal((await client.next('subscribing', channel)).code, 1);
    for (const data of [2, 3, 4]) await gateway.api('publish', { channel, data });
    cable.mend();
    assert.deepEqual(await client.received(channel, 4), [1, 2, 3, 4]);
    assert.equal(client.all('connected').length, 2);
    const { wasRecovering, recovered } = client.all('subscribed', channel)[1];
    assert.deepEqual([wasRecovering, recovered], [true, true]);
    await client.publish(channel, 5);
    assert.deepEqual(await client.received(channel, 5), [1, 2, 3, 4, 5]);
  });
});

test('commands given before the connection is there are kept until it is', async (t) => {
  const gateway = await gatewayOf(t);
  await overEach(t, async (t, over) => {
    const client = Client.make(t, gateway, over);
    const channel = `early ${over.name}`;
    const subscribed = client.subscribe(channel);
    client.library.connect();
    await client.publish(channel, 'early');
    await subscribed;
    const { publications } = await client.history(channel, { limit: -1 });
    assert.deepEqual(publications.map(({ data }) => data), ['early']);
  });
});

test('a gateway that ends says 3001 to all, and they come back to the one that follows', async (t) => {
  await overEach(t, async (t, over) => {
    const [first, second] = [await gatewayOf(t), await gatewayOf(t)];
    const cable = await Cable.lay(t, first.port);
    const client = await Client.connect(t, first, over, { port: cable.port });
    const channel = 'moved';
    await client.subscribe(channel);
    cable.mend(second.port);
    await first.stop();
    await client.until(() => client.all('connecting').some(({ code, reason }) => code === 3001 && reason === 'shutdown'), '3001 shutdown');
    await client.until(() => client.all('subscribed', channel).length === 2, 'subscription at the other gateway');
    const { wasRecovering, recovered } = client.all('subscribed', channel)[1];
    assert.deepEqual([wasRecovering, recovered], [true, false], 'another gateway alone has another stream');
    await second.api('publish', { channel, data: 'here' });
    assert.deepEqual(await client.received(channel, 1), ['here']);
  });
});
