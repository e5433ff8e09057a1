// Positions and recovery as the public client sees them, over each transport and format; what it does not show, on a bare socket.
import assert from 'node:assert/strict';
import { Alone, Cable, Client, Socket, Wire, allTransports, meanwhile, overEach, test } from './harness/index.js';

const kept = { history_size: 5, history_ttl: '300s', force_recovery: true };
const CONFIG = allTransports({
  client: { insecure: true, ping_interval: '1s', pong_timeout: '900ms' },
  channel: {
    namespaces: [
      { name: 'stream', ...kept },
      { name: 'long', ...kept, history_size: 5000 },
      { name: 'cache', ...kept, force_recovery_mode: 'cache' },
      { name: 'auto', ...kept, force_recovery_mode: 'cache', auto_cache_recover: true },
      { name: 'positioned', history_size: 5, history_ttl: '300s', force_positioning: true },
      { name: 'asked', history_size: 5, history_ttl: '300s', allow_recovery: true, allow_positioning: true },
      { name: 'brief', ...kept, history_ttl: '1s', history_meta_ttl: '1s' },
    ],
  },
});

async function publish(gateway, channel, from, to) {
  const commands = Array.from({ length: to - from + 1 }, (_, i) => ({ publish: { channel, data: { n: from + i } } }));
  await gateway.api('batch', { commands });
  return gateway.api('history', { channel });
}

/** Subscribes a new client `since` a position; what it was told, and which publications came with it. */
async function recovered(t, gateway, over, channel, since) {
  const client = await Client.connect(t, gateway, over);
  const { wasRecovering, recovered: whole, hasRecoveredPublications, streamPosition } = await client.subscribe(channel, since === undefined ? {} : { since });
  await client.settle();
  const offsets = client.offsets(channel);
  assert.equal(hasRecoveredPublications, offsets.length > 0);
  client.library.disconnect();
  return { answer: [wasRecovering, whole], offsets, streamPosition };
}

test('recovery of a stream gives all that was missed, or says that it cannot', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const { epoch } = await publish(gateway, 'stream:full', 1, 8); // kept: 4 to 8
  const small = await publish(gateway, 'stream:small', 1, 3);
  const empty = await gateway.api('history', { channel: 'stream:empty' });
  const rows = [
    ['stream:full', undefined, [false, false], []],
    ['stream:full', { offset: 8, epoch }, [true, true], []],
    ['stream:full', { offset: 7, epoch }, [true, true], [8]],
    ['stream:full', { offset: 3, epoch }, [true, true], [4, 5, 6, 7, 8]],
    ['stream:full', { offset: 2, epoch }, [true, false], []], // a gap
    ['stream:full', { offset: 0, epoch }, [true, false], []],
    ['stream:full', { offset: 9, epoch }, [true, false], []], // from the future
    ['stream:full', { offset: 6, epoch: 'another' }, [true, false], []],
    ['stream:full', {}, [true, false], []],
    ['stream:small', {}, [true, true], [1, 2, 3]], // no epoch is any epoch
    ['stream:small', { offset: 0, epoch: small.epoch }, [true, true], [1, 2, 3]],
    ['stream:empty', { offset: 0, epoch: empty.epoch }, [true, true], []],
    ['stream:empty', { offset: 1, epoch: empty.epoch }, [true, false], []],
  ];
  await overEach(t, async (t, over) => {
    for (const [channel, since, answer, offsets] of rows) {
      const got = await recovered(t, gateway, over, channel, since);
      assert.deepEqual([got.answer, got.offsets], [answer, offsets], `${channel} since ${JSON.stringify(since)}`);
    }
  });
});

test('the answer of a recovery counts from the position that was asked for, of a failed one from the top', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const { epoch } = await publish(gateway, 'stream:raw', 1, 8);
  const flags = { recoverable: true, positioned: true, epoch };
  const rows = [
    [{}, { ...flags, offset: 8 }],
    [{ recover: true, offset: 6, epoch }, { ...flags, offset: 6, was_recovering: true, recovered: true, publications: [7, 8] }],
    [{ recover: true, offset: 8, epoch }, { ...flags, offset: 8, was_recovering: true, recovered: true }],
    [{ recover: true, offset: 1, epoch }, { ...flags, offset: 8, was_recovering: true }],
    [{ recover: true, offset: 6, epoch: 'another' }, { ...flags, offset: 8, was_recovering: true }],
    [{ recover: true, offset: 99, epoch }, { ...flags, offset: 8, was_recovering: true }],
    [{ recover: true, offset: 1, epoch, flag: 2 }, { code: 112, message: 'unrecoverable position' }],
    [{ recover: true, offset: 6, epoch: 'another', flag: 3 }, { code: 112, message: 'unrecoverable position' }],
    [{ recover: true, offset: 7, epoch, flag: 2 }, { ...flags, offset: 7, was_recovering: true, recovered: true, publications: [8] }],
  ];
  for (const [request, expected] of rows) {
    const wire = await Wire.open(t, gateway);
    wire.send({ id: 1, connect: {} }, { id: 2, subscribe: { channel: 'stream:raw', ...request } });
    const { subscribe, error } = await wire.reply(2);
    if (subscribe?.publications) subscribe.publications = subscribe.publications.map(({ offset }) => offset);
    assert.deepEqual(subscribe ?? error, expected, JSON.stringify(request));
    wire.send({ id: 3, unsubscribe: { channel: 'stream:raw' } }, { id: 4, subscribe: { channel: 'stream:raw' } });
    assert.ok((await wire.reply(4)).subscribe, 'a subscription that was not made can be made');
  }
});

test('more than 300 missed publications are not recovered, 300 are', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const { epoch, offset } = await publish(gateway, 'long:1', 1, 301);
  assert.equal(offset, 301);
  await overEach(t, async (t, over) => {
    const all = await recovered(t, gateway, over, 'long:1', { offset: 1, epoch });
    assert.deepEqual([all.answer, all.offsets.length, all.offsets[0], all.offsets.at(-1)], [[true, true], 300, 2, 301]);
    const none = await recovered(t, gateway, over, 'long:1', { offset: 0, epoch });
    assert.deepEqual([none.answer, none.offsets], [[true, false], []]);
  });
});

test('an application that keeps its own state is asked for it when recovery fails (getState, flag 2)', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const { epoch } = await publish(gateway, 'stream:state', 1, 8);
  await overEach(t, async (t, over) => {
    const positions = [{ offset: 1, epoch }, { offset: 6, epoch }];
    const client = await Client.connect(t, gateway, over);
    const subscription = client.subscription('stream:state', { getState: async () => positions.shift() });
    subscription.subscribe();
    await client.next('subscribed', 'stream:state');
    assert.equal(positions.length, 0, 'the first position was refused');
    assert.deepEqual(await client.received('stream:state', 2), [{ n: 7 }, { n: 8 }]);
  });
});

test('a cache is recovered when its latest publication comes', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const { epoch } = await publish(gateway, 'cache:full', 1, 8);
  const gone = await publish(gateway, 'cache:gone', 1, 3);
  await gateway.api('history_remove', { channel: 'cache:gone' });
  const none = await gateway.api('history', { channel: 'cache:none' });
  const rows = [
    ['cache:full', undefined, [false, false], []],
    ['cache:full', { offset: 8, epoch }, [true, true], []],
    ['cache:full', { offset: 7, epoch }, [true, true], [8]],
    ['cache:full', { offset: 1, epoch }, [true, true], [8]], // far behind: the latest is enough
    ['cache:full', { offset: 8, epoch: 'another' }, [true, true], [8]],
    ['cache:full', {}, [true, true], [8]],
    ['cache:gone', { offset: 3, epoch: gone.epoch }, [true, true], []],
    ['cache:gone', { offset: 2, epoch: gone.epoch }, [true, false], []],
    ['cache:none', { offset: 0, epoch: none.epoch }, [true, true], []],
    ['cache:none', { offset: 0, epoch: 'another' }, [true, false], []],
    ['auto:full', undefined, [true, true], [8]],
    ['auto:full', {}, [true, true], [8]],
  ];
  await publish(gateway, 'auto:full', 1, 8);
  await overEach(t, async (t, over) => {
    for (const [channel, since, answer, offsets] of rows) {
      const got = await recovered(t, gateway, over, channel, since);
      assert.deepEqual([got.answer, got.offsets], [answer, offsets], `${channel} since ${JSON.stringify(since)}`);
    }
  });
});

test('positioning and recovery are given when forced, or when asked for and allowed', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const rows = [
    ['stream:p', {}, [true, true]], ['positioned:p', {}, [false, true]], ['positioned:p2', { recoverable: true }, [true, true]],
    ['asked:p', {}, [false, false]], ['asked:p2', { positioned: true }, [false, true]], ['asked:p3', { recoverable: true }, [true, true]],
  ];
  await overEach(t, async (t, over) => {
    const client = await Client.connect(t, gateway, over);
    for (const [channel, options, flags] of rows) {
      const { recoverable, positioned, streamPosition } = await client.subscribe(channel, options);
      assert.deepEqual([recoverable, positioned], flags, channel);
      assert.equal(streamPosition !== undefined, positioned, `${channel} has a position`);
    }
  });
});

test('a stream that somebody follows is not forgotten, another is after its time', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const lonely = await publish(gateway, 'brief:lonely', 1, 2);
  const socket = await Socket.open(t, gateway.url);
  socket.send('{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"brief:followed"}}');
  await socket.text();
  const { epoch } = JSON.parse(await socket.text()).subscribe;
  for (let ping = 0; ping < 3; ping++) { // two seconds and a half
    assert.equal(await socket.text(), '{}');
    socket.send('{}');
  }
  const followed = await publish(gateway, 'brief:followed', 1, 1);
  assert.deepEqual([followed.epoch, followed.offset], [epoch, 1]);
  assert.deepEqual(JSON.parse(await socket.text()).push.pub, { data: { n: 1 }, offset: 1, epoch });
  const again = await gateway.api('history', { channel: 'brief:lonely' });
  assert.notEqual(again.epoch, lonely.epoch);
  assert.equal(again.offset, 0);
});

test('who subscribes while others publish misses nothing and hears nothing twice', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const rounds = 80;
  await overEach(t, async (t, over) => {
    const channel = `long:race ${over.name}`;
    const client = await Client.connect(t, gateway, over);
    await client.subscribe(channel);
    const stops = [1, 2, 3].map(() => meanwhile(t, (n) => gateway.api('publish', { channel, data: { n } })));
    for (let round = 1; round <= rounds; round++) {
      const last = client.all('publication', channel).length;
      await client.received(channel, last + 1);
      client.library.getSubscription(channel).unsubscribe();
      await client.subscribe(channel);
    }
    await Promise.all(stops.map((stop) => stop()));
    const { offset } = await gateway.api('history', { channel });
    await client.received(channel, offset);
    await client.settle();
    assert.deepEqual(client.offsets(channel), Array.from({ length: offset }, (_, i) => i + 1));
    const answers = client.all('subscribed', channel).slice(1);
    assert.equal(answers.length, rounds);
    assert.ok(answers.every((answer) => answer.recovered), 'each time recovered');
  });
});

test('a new subscriber among busy publishers hears all from its position on', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const channel = 'long:busy';
  const stops = [1, 2, 3].map(() => meanwhile(t, (n) => gateway.api('publish', { channel, data: { n } })));
  for (let round = 0; round < 60; round++) {
    const wire = await Wire.open(t, gateway);
    wire.send({ id: 1, connect: {} }, { id: 2, subscribe: { channel } });
    const { subscribe } = await wire.reply(2);
    const heard = () => wire.happened.list.filter((entry) => entry.push?.pub).map(({ push }) => push.pub.offset);
    await wire.happened.until(() => heard().length >= 3, 'three publications');
    assert.deepEqual(heard(), heard().map((_, i) => subscribe.offset + 1 + i), `from ${subscribe.offset}`);
    wire.socket.terminate();
  }
  await Promise.all(stops.map((stop) => stop()));
});

test('a client that lost its network recovers more than once, whatever came meanwhile', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const cable = await Cable.lay(t, gateway.port);
    const client = await Client.connect(t, gateway, over, { port: cable.port });
    const channel = `long:cut ${over.name}`;
    await client.subscribe(channel);
    for (let round = 0; round < 4; round++) {
      cable.cut();
      await client.until(() => client.library.state !== 'connected', 'loss');
      await publish(gateway, channel, 10 * round + 1, 10 * round + 10);
      cable.mend();
      await client.received(channel, 10 * (round + 1));
    }
    assert.deepEqual(client.offsets(channel), Array.from({ length: 40 }, (_, i) => i + 1));
  });
});
