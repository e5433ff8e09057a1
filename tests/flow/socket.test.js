import assert from 'node:assert/strict';
import { Wire, chat, configure, eventually, nonce, running, test } from './harness/index.js';

configure({
  gateway: {
    PARLEY_CLIENT_PING_INTERVAL: '1s',
    PARLEY_CLIENT_PONG_TIMEOUT: '900ms',
    PARLEY_CLIENT_EXPIRED_CLOSE_DELAY: '1s',
    PARLEY_CLIENT_STALE_CLOSE_DELAY: '1500ms',
  },
});

async function teaRoom(t) {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  return { ada, bob, room: await ada.createRoom('tea', { members: [bob] }) };
}

test('a connection has `chats` and the own user: channel from the start, and no other', async (t) => {
  const { ada } = await teaRoom(t);
  const device = await ada.connect();
  assert.deepEqual(device.seen.filter(({ what }) => what === 'subscribed').map(({ channel }) => channel).sort(),
    ['chats', `user:${ada.id}`]);
});

test('publishing to a room is a send, acknowledged after it is stored', async (t) => {
  const { ada, bob, room } = await teaRoom(t);
  const [phone, laptop] = [await ada.connect({ gateway: 1, rooms: [room] }), await bob.connect({ gateway: 0, rooms: [room] })];
  const given = nonce();
  await phone.publish(room, { text: 'from the socket', nonce: given });
  const [stored] = (await bob.messages(room)).items;
  assert.deepEqual([stored.text, stored.nonce, stored.sender.id], ['from the socket', given, ada.id]);
  for (const device of [phone, laptop]) assert.deepEqual((await device.next(room)).message, stored);
  await phone.publish(room, { text: 'from the socket', nonce: given });
  assert.deepEqual(await bob.texts(room), ['from the socket'], 'the same again is the same');
  await assert.rejects(phone.publish(room, { text: 'another', nonce: given }), { message: 'nonce_reused', code: 442 });
});

test('what is published to a room is checked as a send is', async (t) => {
  const { ada, room } = await teaRoom(t);
  const phone = await ada.connect({ rooms: [room] });
  for (const data of [{}, { text: 'no nonce' }, { nonce: 'x' }, { text: 5, nonce: 'x' }, { text: '', nonce: 'x' }, [], 'text', 5,
    { text: 'x', nonce: 'x', colour: 'red' }, { text: 'x'.repeat(16_385), nonce: 'x' }])
    await assert.rejects(phone.publish(room, data), ({ code }) => (code >= 400 && code < 500) || code === 107, JSON.stringify(data));
  assert.deepEqual(await ada.texts(room), []);
});

test('the socket\'s methods answer as the HTTP calls of the same meaning', async (t) => {
  const { ada, bob, room } = await teaRoom(t);
  const device = await bob.connect({ gateway: 1 });
  const sent = await device.rpc('messages.send', { room: room.id, text: 'by rpc', nonce: nonce() });
  assert.deepEqual(sent, (await ada.log(room)).at(-1));
  assert.deepEqual(await device.rpc('messages.list', { room: room.id, limit: 10 }), await bob.messages(room, 'limit=10'));
  assert.deepEqual(await device.rpc('events.list', { room: room.id, after: 1 }), await bob.get(`/rooms/${room.id}/events?after=1`));
  assert.deepEqual(await device.rpc('rooms.list', {}), await bob.get('/rooms'));
  assert.deepEqual(await device.rpc('rooms.get', { room: room.id }), await bob.snapshot(room));
  await ada.post(room, 'unread');
  const { cursor, unread } = await device.rpc('cursor.set', { room: room.id, seq: sent.seq + 1 });
  assert.deepEqual([cursor.seq, unread], [sent.seq + 1, 0]);
});

test('a refused method answers the problem\'s code and its fixed number', async (t) => {
  const { ada, room } = await teaRoom(t);
  const { eve } = await chat(t).users('eve');
  const device = await eve.connect();
  await assert.rejects(device.rpc('messages.send', { room: room.id, text: 'x', nonce: 'x' }), { code: 430, message: 'not_found' });
  await assert.rejects(device.rpc('messages.list', { room: room.id }), { code: 430, message: 'not_found' });
  await assert.rejects(device.rpc('rooms.list', { limit: 1000 }), { code: 408, message: 'out_of_range' });
  await assert.rejects(device.rpc('rooms.list', { limmit: 1 }), ({ code }) => code === 404 || code === 405);
  await assert.rejects(device.rpc('rooms.burn', {}), { code: 104 });
  await assert.rejects(device.rpc('', {}), ({ code }) => code === 104 || code === 107);
  assert.deepEqual(await ada.texts(room), []);
});

test('typing reaches those who look at the room, on both gateways', async (t) => {
  const { ada, bob, room } = await teaRoom(t);
  const live = `live:${room.id}`;
  const devices = await Promise.all([0, 1].map((gateway) => bob.connect({ gateway, rooms: [live] })));
  const phone = await ada.connect({ gateway: 1, rooms: [live] });
  await phone.publish(live, { type: 'typing' });
  for (const device of devices) {
    const { data } = await device.take('typing', () => device.publications(live));
    assert.deepEqual(data, { type: 'typing', user_id: ada.id });
  }
  for (const data of [{ type: 'dancing' }, {}, { type: 'typing', user_id: bob.id, extra: 1 }, 'typing'])
    await phone.publish(live, data).catch(() => {});
  await phone.settle();
  const seen = devices.flatMap((device) => device.publications(live)).map(({ data }) => data);
  assert.ok(seen.every((data) => data.type === 'typing' && data.user_id === ada.id), 'nobody types for somebody else');
});

test('who looks at a room is told by presence, join and leave, across gateways', async (t) => {
  const { ada, bob, room } = await teaRoom(t);
  const live = `live:${room.id}`;
  const phone = await ada.connect({ gateway: 0 });
  await phone.subscribe(live, { joinLeave: true });
  const laptop = await bob.connect({ gateway: 1 });
  await laptop.subscribe(live, { joinLeave: true });
  const joined = await phone.until(
    () => phone.seen.find(({ what, info }) => what === 'join' && info.user === bob.id), 'join of bob');
  assert.equal(joined.channel, live);
  const users = async (device) =>
    Object.values((await device.presence(live)).clients).map(({ user }) => user).sort();
  for (const device of [phone, laptop])
    await eventually(async () => (await users(device)).join() === [ada.id, bob.id].sort().join(), 'both are present');
  await laptop.unsubscribe(live);
  await phone.until(() => phone.seen.find(({ what, info }) => what === 'leave' && info.user === bob.id), 'leave of bob');
  await eventually(async () => (await users(phone)).join() === ada.id, 'ada alone');
});

test('who loses the connection leaves the room\'s presence', async (t) => {
  const { ada, bob, room } = await teaRoom(t);
  const live = `live:${room.id}`;
  const phone = await ada.connect({ gateway: 0 });
  await phone.subscribe(live, { joinLeave: true });
  const laptop = await bob.connect({ gateway: 1, rooms: [live] });
  await phone.until(() => phone.seen.find(({ what, info }) => what === 'join' && info.user === bob.id), 'join of bob');
  await laptop.offline();
  await phone.until(() => phone.seen.find(({ what, info }) => what === 'leave' && info.user === bob.id), 'leave of bob');
});

test('nobody hears what is on somebody else\'s user: channel', async (t) => {
  const { ada, bob } = await teaRoom(t);
  const device = await bob.connect();
  await assert.rejects(device.subscribe(`user:${ada.id}`), { code: 103 });
  await assert.rejects(device.publish(`user:${ada.id}`, { type: 'notice' }), { code: 103 });
  await assert.rejects(device.publish('chats', { type: 'stale' }), { code: 103 });
  await assert.rejects(device.publish('public:rooms', { type: 'room_created' }), { code: 103 });
});

test('channels that do not exist are refused by their own codes', async (t) => {
  const { ada } = await teaRoom(t);
  const device = await ada.connect();
  await assert.rejects(device.subscribe('nonsense:1'), { code: 102 });
  await assert.rejects(device.subscribe('nonsense'), { code: 103 });
  await assert.rejects(device.subscribe(`room:${'7'.repeat(300)}`), ({ code }) => [102, 103, 107].includes(code));
});

test('a subscription made twice, and one to a channel that the server gave, are errors', async (t) => {
  const { ada, room } = await teaRoom(t);
  const { gateways } = await running();
  const wire = await Wire.open(t, gateways[0]);
  await wire.connect(ada);
  wire.send({ id: 2, subscribe: { channel: `room:${room.id}` } });
  assert.ok((await wire.reply(2)).subscribe.recoverable);
  wire.send({ id: 3, subscribe: { channel: `room:${room.id}` } }, { id: 4, subscribe: { channel: 'chats' } });
  assert.equal((await wire.reply(3)).error.code, 105);
  assert.equal((await wire.reply(4)).error.code, 105);
  wire.send({ id: 5, unsubscribe: { channel: 'room:1' } });
  assert.deepEqual((await wire.reply(5)).unsubscribe, {});
});

test('a client follows 128 channels of its choice, and one more when it leaves one', async (t) => {
  const { ada } = await chat(t).users('ada');
  const { gateways } = await running();
  const rooms = [];
  while (rooms.length < 129) rooms.push(...(await Promise.all(Array.from({ length: 43 }, (_, i) => ada.createRoom(`room ${i}`)))));
  const wire = await Wire.open(t, gateways[0]);
  await wire.connect(ada);
  wire.send(...rooms.map(({ id }, i) => ({ id: 2 + i, subscribe: { channel: `room:${id}` } })));
  assert.ok((await wire.reply(129)).subscribe);
  assert.equal((await wire.reply(130)).error.code, 106);
  wire.send({ id: 131, unsubscribe: { channel: `room:${rooms[0].id}` } }, { id: 132, subscribe: { channel: `room:${rooms[128].id}` } });
  assert.ok((await wire.reply(132)).subscribe);
});

test('commands that pile up while one is being answered end their connection', async (t) => {
  const { ada } = await chat(t).users('ada');
  const { gateways } = await running();
  const wire = await Wire.open(t, gateways[0]);
  await wire.connect(ada);
  const many = Array.from({ length: 1500 }, (_, i) => ({ id: 2 + i, rpc: { method: 'rooms.list' } }));
  for (let i = 0; i < 10; i++) wire.send(...many);
  assert.equal((await wire.closed()).code, 3013);
});

test('connect and subscriptions in one frame are answered in order', async (t) => {
  const { ada, room } = await teaRoom(t);
  const { gateways } = await running();
  const wire = await Wire.open(t, gateways[1]);
  wire.send(
    { connect: { token: ada.tokens.access_token, name: 'js' }, id: 1 },
    { subscribe: { channel: `room:${room.id}`, flag: 1 }, id: 2 },
    { subscribe: { channel: `live:${room.id}`, join_leave: true }, id: 3 },
  );
  await wire.reply(3);
  const replies = wire.happened.list.filter(({ id }) => id);
  assert.deepEqual(replies.map(({ id }) => id), [1, 2, 3]);
  const { subscribe } = replies[1];
  assert.deepEqual([subscribe.positioned, subscribe.recoverable, subscribe.offset], [true, true, 3]);
  assert.ok(subscribe.epoch);
  assert.deepEqual([replies[2].subscribe.positioned, replies[2].subscribe.recoverable], [undefined, undefined]);
});

test('an epoch of another database is not recovered from, even at the right offset', async (t) => {
  const { ada, room } = await teaRoom(t);
  const sent = await ada.post(room, 'one');
  const device = await ada.connect();
  for (const since of [{ offset: sent.seq, epoch: 'another' }, { offset: 1, epoch: 'another' }]) {
    const answer = await device.subscribe(room, { since });
    assert.deepEqual([answer.wasRecovering, answer.recovered], [true, false]);
    assert.equal(answer.streamPosition.offset, sent.seq);
    await device.unsubscribe(room);
  }
  const { as_of } = await ada.snapshot(room);
  const future = await device.subscribe(room, { since: { offset: sent.seq + 100, epoch: as_of.epoch } });
  assert.deepEqual([future.wasRecovering, future.recovered], [true, false]);
});

test('history of a room is served over the socket', async (t) => {
  const { ada, room } = await teaRoom(t);
  for (let i = 0; i < 5; i++) await ada.post(room, `${i}`);
  const device = await ada.connect({ rooms: [room] });
  const { as_of } = await ada.snapshot(room);
  const { publications, offset, epoch } = await device.client.history(`room:${room.id}`, { limit: 3, since: { ...as_of, offset: 4 } });
  assert.deepEqual(publications.map((publication) => publication.offset), [5, 6, 7]);
  assert.deepEqual([offset, epoch], [8, as_of.epoch]);
  assert.deepEqual(publications[0].data, (await ada.log(room))[4]);
});

test('an expired token is error 109, and the client comes back with a fresh one', async (t) => {
  const { ada } = await teaRoom(t);
  const servers = await running();
  const expired = servers.sign({ sub: ada.id, sid: ada.session.id, exp: Math.floor(Date.now() / 1000) - 100 });
  const wire = await Wire.open(t, servers.gateways[0]);
  wire.send({ id: 1, connect: { token: expired } });
  assert.equal((await wire.reply(1)).error.code, 109);
  const device = await ada.connect({ token: expired });
  await device.settle();
});

test('a token that is bad in any other way ends the connection with 3500', async (t) => {
  const { ada } = await teaRoom(t);
  const servers = await running();
  const claims = { sub: ada.id, sid: ada.session.id };
  const tokens = [
    'x', 'a.b.c', servers.sign(claims, { key: 'another' }), servers.sign(claims, { header: { alg: 'none' } }),
    servers.sign({ ...claims, aud: 'elsewhere' }), servers.sign({ ...claims, sub: '77' }), servers.sign({ sub: ada.id }), 'A'.repeat(20_000),
  ];
  for (const token of tokens) {
    const wire = await Wire.open(t, servers.gateways[1]);
    wire.send({ id: 1, connect: { token } });
    assert.equal((await wire.closed()).code, 3500, token.slice(0, 40));
  }
});

test('a connection outlives its token by the grace, unless it is refreshed in time', async (t) => {
  const { ada } = await teaRoom(t);
  const servers = await running();
  const short = () => servers.sign({ sub: ada.id, sid: ada.session.id, exp: Math.floor(Date.now() / 1000) + 2 });
  const [left, kept] = await Promise.all([0, 1].map((i) => Wire.open(t, servers.gateways[i])));
  for (const wire of [left, kept]) {
    wire.pong = true;
    wire.socket.on('message', (data) => data.toString() === '{}' && wire.send('{}'));
    wire.send({ id: 1, connect: { token: short() } });
    const { connect } = await wire.reply(1);
    assert.equal(connect.expires, true);
    assert.ok(connect.ttl >= 1 && connect.ttl <= 2);
  }
  kept.send({ id: 2, refresh: { token: ada.tokens.access_token } });
  const { refresh } = await kept.reply(2);
  assert.ok(refresh.expires && refresh.ttl > 100);
  assert.equal((await left.closed()).code, 3005);
  kept.send({ id: 3, rpc: { method: 'rooms.list', data: {} } });
  assert.ok((await kept.reply(3)).rpc);
  kept.send({ id: 4, refresh: { token: 'nonsense' } });
  assert.equal((await kept.closed()).code, 3500);
});

test('a client is pinged, and one that does not answer is closed', async (t) => {
  const { ada } = await teaRoom(t);
  const { gateways } = await running();
  const wire = await Wire.open(t, gateways[0]);
  const answer = await wire.connect(ada);
  assert.deepEqual([answer.ping, answer.pong], [1, true]);
  assert.equal((await wire.closed()).code, 3012);
  assert.ok(wire.happened.list.some((entry) => Object.keys(entry).join() === 'what' && entry.what === 'reply'), 'there was a ping');
  const device = await ada.connect();
  const client = device.client;
  await device.settle();
  assert.equal(client.state, 'connected');
});

test('a connection that says nothing is closed as stale', async (t) => {
  const { gateways } = await running();
  const wire = await Wire.open(t, gateways[0]);
  assert.equal((await wire.closed()).code, 3502);
});

test('garbage ends the connection with 3501, and only that connection', async (t) => {
  const { ada, room } = await teaRoom(t);
  const { gateways } = await running();
  const witness = await ada.connect({ rooms: [room] });
  const garbage = [
    'x', '', '\n', '[]', '5', 'null', '"connect"', '{"id":1', '{"id":1,"connect":{}}x', '{"id":1,"connect":5}', '{"id":"1","connect":{}}',
    '{"id":-1,"connect":{}}', '{"id":1,"connect":{"token":7}}', '{"id":1,"dance":{}}', '{"id":1,"subscribe":{"channel":"chats"}}',
    '{"id":1,"connect":{}}\n\n', '['.repeat(10_000), '{"a":'.repeat(5_000), '{"id":1,"connect":{}}', '\u0000', '{"id":1,"ping":{}}',
  ];
  for (const text of garbage) {
    const wire = await Wire.open(t, gateways[0]);
    wire.send(text);
    const { code } = await wire.closed();
    assert.ok(code === 3501 || (text.includes('connect') && code === 3500), `${JSON.stringify(text.slice(0, 40))}: ${code}`);
  }
  const after = [
    '{"id":2,"connect":{}}', '{"id":2,"subscribe":{}}', '{"id":2,"publish":{"data":{}}}', '{"id":2,"unsubscribe":{"channel":""}}', '{"id":2,"dance":{}}',
    '{}\n{}\n{}', '{"id":2,"ping":{}}', Buffer.from('{"id":2,"rpc":{"method":"\xff"}}', 'latin1'),
  ];
  for (const text of after) {
    const wire = await Wire.open(t, gateways[0]);
    await wire.connect(ada);
    wire.send(text);
    const { code } = await wire.closed();
    assert.ok(code === 3501 || code === 1007, `${text}: ${code}`);
  }
  const sent = await ada.post(room, 'still here');
  assert.deepEqual(await witness.next(room), sent);
});

test('frames that break RFC 6455 end the connection by its codes', async (t) => {
  const { gateways } = await running();
  const frames = {
    1002: [
      Buffer.from([0x81, 0x02, 0x7b, 0x7d]), // not masked
      Buffer.from([0xf1, 0x80, 0, 0, 0, 0]), // reserved bits
      Buffer.from([0x83, 0x80, 0, 0, 0, 0]), // unknown opcode
      Buffer.from([0x09, 0x80, 0, 0, 0, 0]), // fragmented ping
      Buffer.from([0x80, 0x80, 0, 0, 0, 0]), // continuation of nothing
    ],
    1009: [Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0])], // 2^63 - 1 bytes to come
  };
  for (const [code, list] of Object.entries(frames))
    for (const frame of list) {
      const wire = await Wire.open(t, gateways[0]);
      wire.socket._socket.write(frame);
      assert.equal((await wire.closed()).code, Number(code), frame.toString('hex'));
    }
});

test('a message above the limit closes the connection with 1009', async (t) => {
  const { ada } = await teaRoom(t);
  const { gateways } = await running();
  const wire = await Wire.open(t, gateways[0]);
  await wire.connect(ada);
  wire.send(JSON.stringify({ id: 2, rpc: { method: 'rooms.list', data: 'x'.repeat(70_000) } }));
  assert.equal((await wire.closed()).code, 1009);
});

test('a page of another site does not get a socket', async (t) => {
  const { ada } = await teaRoom(t);
  const { gateways } = await running();
  for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1.evil.example', 'http://evil.example:80'])
    await assert.rejects(Wire.open(t, gateways[0], { headers: { origin } }), /403/, origin);
  const wire = await Wire.open(t, gateways[0], { headers: { origin: 'http://127.0.0.1:5173' } });
  assert.ok(await wire.connect(ada), 'the same host at any port is the own page');
});

test('a token in the address of the socket is refused', async (t) => {
  const { ada } = await teaRoom(t);
  const { gateways } = await running();
  const url = `${gateways[0].url}?token=${ada.tokens.access_token}`;
  await assert.rejects(Wire.open(t, { url }), /400/);
});
