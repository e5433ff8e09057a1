// Delta compression and tags filters as the public client uses them, over each transport and format.
import assert from 'node:assert/strict';
import { Alone, Cable, Client, Wire, allTransports, overEach, test } from './harness/index.js';

const kept = { history_size: 100, history_ttl: '300s', force_recovery: true };
const CONFIG = allTransports({
  client: { insecure: true },
  channel: {
    namespaces: [
      { name: 'delta', ...kept, allowed_delta_types: ['fossil'], delta_publish: true },
      { name: 'asked', ...kept, allowed_delta_types: ['fossil'] },
      { name: 'cache', ...kept, force_recovery_mode: 'cache', allowed_delta_types: ['fossil'], delta_publish: true },
      { name: 'none', ...kept },
      { name: 'tags', ...kept, allow_tags_filter: true },
    ],
  },
});

const fossil = { delta: 'fossil' };
const price = (n) => ({ price: n, symbol: 'ABC', venue: 'XYZ', note: 'the same in each, and long enough that a difference is smaller' });

/** A text of several bytes a letter that changes a little each time, now here, now there. */
function edits(count) {
  let text = 'Съешь же ещё этих мягких французских булок, да выпей чаю 🫖🫖 — 東京都庁舎の展望室';
  return Array.from({ length: count }, (_, i) => {
    const letters = [...text];
    letters.splice((i * 7) % letters.length, i % 3, ...[...'щ🦊東'].slice(0, 1 + (i % 3)));
    text = letters.join('');
    return { text };
  });
}

async function publishAll(gateway, channel, list, options = {}) {
  await gateway.api('batch', { commands: list.map((data) => ({ publish: { channel, data, ...options } })) });
}

const statsOf = (client, channel) => client.library.getSubscription(channel).deltaStats();

test('what changes little comes as a difference, and is whole again', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const channel = `delta:${over.name}`;
    const [client, plain] = [await Client.connect(t, gateway, over), await Client.connect(t, gateway, over)];
    await client.subscribe(channel, fossil);
    await plain.subscribe(channel);
    const sent = [1, 2, 3, 44, 555].map(price);
    for (const data of sent) await gateway.api('publish', { channel, data });
    assert.deepEqual(await client.received(channel, 5), sent);
    assert.deepEqual(await plain.received(channel, 5), sent, 'who did not ask gets them whole');
    const { numFullPayloads, numDeltaPayloads } = statsOf(client, channel);
    assert.deepEqual([numFullPayloads, numDeltaPayloads], [1, 4]);
  });
});

test('text of several bytes a letter survives any edit', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const channel = `delta:text ${over.name}`;
    const client = await Client.connect(t, gateway, over);
    await client.subscribe(channel, fossil);
    const sent = edits(60);
    await publishAll(gateway, channel, sent);
    assert.deepEqual(await client.received(channel, sent.length), sent);
    assert.ok(statsOf(client, channel).numDeltaPayloads > 30, JSON.stringify(statsOf(client, channel)));
  });
});

test('differences are made when the publisher asks for them, and where they may be', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const client = await Client.connect(t, gateway, over);
    const [asked, none] = [`asked:${over.name}`, `none:${over.name}`];
    await client.subscribe(asked, fossil);
    await client.subscribe(none, fossil);
    await publishAll(gateway, asked, [price(1), price(2)]);
    await publishAll(gateway, asked, [price(3), price(4)], { delta: true });
    await publishAll(gateway, none, [price(1), price(2)], { delta: true });
    assert.deepEqual(await client.received(asked, 4), [1, 2, 3, 4].map(price));
    assert.deepEqual(await client.received(none, 2), [1, 2].map(price));
    assert.equal(statsOf(client, asked).numDeltaPayloads, 2);
    assert.equal(statsOf(client, none).numDeltaPayloads, 0);
  });
});

test('after an absence the list is whole first, then differences; after one without news the next is whole', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const cable = await Cable.lay(t, gateway.port);
    const client = await Client.connect(t, gateway, over, { port: cable.port });
    const channel = `delta:cut ${over.name}`;
    const away = async (meanwhile) => {
      const times = client.all('subscribed', channel).length;
      cable.cut();
      await client.until(() => client.library.state !== 'connected', 'loss');
      await meanwhile();
      cable.mend();
      await client.until(() => client.all('subscribed', channel).length > times, 'return');
      assert.equal(client.all('subscribed', channel).at(-1).recovered, true);
    };
    await client.subscribe(channel, fossil);
    await publishAll(gateway, channel, [1, 2].map(price));
    await client.received(channel, 2);
    await away(() => publishAll(gateway, channel, [3, 4, 5].map(price)));
    assert.deepEqual(await client.received(channel, 5), [1, 2, 3, 4, 5].map(price));
    const before = statsOf(client, channel);
    assert.ok(before.numFullPayloads >= 2 && before.numDeltaPayloads >= 3, JSON.stringify(before));
    await away(async () => {});
    await publishAll(gateway, channel, [6, 7].map(price));
    assert.deepEqual(await client.received(channel, 7), [1, 2, 3, 4, 5, 6, 7].map(price));
    const after = statsOf(client, channel);
    assert.equal(after.numFullPayloads, before.numFullPayloads + 1, 'the first after an empty recovery is whole');
  });
});

test('a cache with differences is recovered whole', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const channel = `cache:${over.name}`;
    await publishAll(gateway, channel, [1, 2, 3].map(price));
    const client = await Client.connect(t, gateway, over);
    await client.subscribe(channel, { ...fossil, since: {} });
    assert.deepEqual(await client.received(channel, 1), [price(3)]);
    await publishAll(gateway, channel, [price(4)]);
    assert.deepEqual(await client.received(channel, 2), [price(3), price(4)]);
  });
});

test('history is never given as differences, and a wrong name of a delta ends the connection', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const channel = `delta:history ${over.name}`;
    const client = await Client.connect(t, gateway, over);
    await client.subscribe(channel, fossil);
    await publishAll(gateway, channel, [1, 2, 3].map(price));
    const { publications } = await client.history(channel, { limit: -1 });
    assert.deepEqual(publications.map(({ data }) => data), [1, 2, 3].map(price));
  });
  const wire = await Wire.open(t, gateway);
  wire.send({ id: 1, connect: {} }, { id: 2, subscribe: { channel: 'delta:1', delta: 'xdelta' } });
  assert.equal((await wire.closed()).code, 3501);
});

const leaf = (key, cmp, value) => ({ key, cmp, ...(Array.isArray(value) ? { vals: value } : { val: value }) });
const PEOPLE = [
  { who: 'ada', age: '36', city: 'London' },
  { who: 'bob', age: '7', city: 'Lisbon' },
  { who: 'eve', city: 'Paris' },
  { who: 'old', age: '100.5', city: '' },
];

test('a filter lets through what its operators say', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const rows = [
    [leaf('who', 'eq', 'ada'), ['ada']],
    [leaf('age', 'neq', '36'), ['bob', 'eve', 'old']], // also true when absent
    [leaf('who', 'in', ['ada', 'eve']), ['ada', 'eve']],
    [leaf('age', 'nin', ['36', '7']), ['eve', 'old']],
    [leaf('age', 'ex'), ['ada', 'bob', 'old']],
    [leaf('age', 'nex'), ['eve']],
    [leaf('city', 'sw', 'Li'), ['bob']],
    [leaf('city', 'ew', 'on'), ['ada', 'bob']],
    [leaf('city', 'ct', 'ondo'), ['ada']],
    [leaf('age', 'lt', '36'), ['bob']],
    [leaf('age', 'lte', '36.0'), ['ada', 'bob']],
    [leaf('age', 'gt', '36'), ['old']], // a number, not a text
    [leaf('age', 'gte', '36'), ['ada', 'old']],
    [{ op: 'and', nodes: [leaf('age', 'gt', '5'), leaf('city', 'sw', 'L')] }, ['ada', 'bob']],
    [{ op: 'or', nodes: [leaf('who', 'eq', 'eve'), leaf('age', 'lt', '10')] }, ['bob', 'eve']],
    [{ op: 'not', nodes: [leaf('city', 'ct', 'L')] }, ['eve', 'old']],
    [{ op: 'not', nodes: [{ op: 'or', nodes: [leaf('who', 'eq', 'ada'), leaf('who', 'eq', 'bob')] }] }, ['eve', 'old']],
  ];
  await overEach(t, async (t, over) => {
    const client = await Client.connect(t, gateway, over);
    const channels = rows.map((_, i) => `tags:${over.name} ${i}`);
    await Promise.all(rows.map(([tagsFilter], i) => client.subscribe(channels[i], { tagsFilter })));
    for (const tags of PEOPLE) await gateway.api('broadcast', { channels, data: tags.who, tags });
    await gateway.api('broadcast', { channels, data: 'end', tags: { who: 'end' } });
    await client.settle();
    rows.forEach(([filter, expected], i) =>
      assert.deepEqual(client.data(channels[i]).filter((who) => who !== 'end'), expected, JSON.stringify(filter)));
  });
});

test('what was filtered out is no gap, and recovery filters too', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  await overEach(t, async (t, over) => {
    const cable = await Cable.lay(t, gateway.port);
    const client = await Client.connect(t, gateway, over, { port: cable.port });
    const channel = `tags:cut ${over.name}`;
    const say = (n) => gateway.api('publish', { channel, data: n, tags: { parity: n % 2 === 0 ? 'even' : 'odd' } });
    await client.subscribe(channel, { tagsFilter: leaf('parity', 'eq', 'even') });
    for (let n = 1; n <= 5; n++) await say(n);
    await client.received(channel, 2);
    cable.cut();
    await client.until(() => client.library.state !== 'connected', 'loss');
    for (let n = 6; n <= 10; n++) await say(n);
    cable.mend();
    await client.received(channel, 5);
    await say(11);
    await say(12);
    assert.deepEqual(await client.received(channel, 6), [2, 4, 6, 8, 10, 12]);
    assert.deepEqual(client.offsets(channel), [2, 4, 6, 8, 10, 12]);
    const { wasRecovering, recovered } = client.all('subscribed', channel)[1];
    assert.deepEqual([wasRecovering, recovered], [true, true]);
  });
});

test('a filter that is malformed, or not allowed, is error 107', async (t) => {
  const gateway = await Alone.start(t, CONFIG);
  const rows = [
    ['none:1', leaf('a', 'eq', 'b')], ['tags:1', leaf('a', 'like', 'b')], ['tags:1', { op: 'xor', nodes: [leaf('a', 'ex')] }],
    ['tags:1', { op: 'and', nodes: [] }], ['tags:1', { op: 'not', nodes: [leaf('a', 'ex'), leaf('b', 'ex')] }],
    ['tags:1', { op: 'and' }], ['tags:1', { key: 'a' }],
  ];
  const wire = await Wire.open(t, gateway);
  wire.send({ id: 1, connect: {} });
  for (const [i, [channel, tf]] of rows.entries()) {
    wire.send({ id: i + 2, subscribe: { channel, tf } });
    assert.equal((await wire.reply(i + 2)).error?.code, 107, JSON.stringify(tf));
  }
});
