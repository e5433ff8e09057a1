// T34: wall clocks of programs are wrong, and jump. The database's and Redis' are right.
import assert from 'node:assert/strict';
import { UnauthorizedError } from 'centrifuge';
import { chat, configure, eventually, meanwhile, refused, running, test } from './harness/index.js';

const HOUR_S = 3_600;
const DAY_S = 86_400;
const LIFE_S = 600;

configure({ clocks: true, api: { PARLEY_TOKEN_LIFE_S: String(DAY_S) } });

async function setClocks(...seconds) {
  const { apis, gateways } = await running();
  [...apis, ...gateways].forEach(({ clock }, i) => clock.set(seconds[i]));
}

const right = () => setClocks(0, 0, 0, 0);

test('T34 clocks that are an hour wrong and jump under load change neither order nor number of what is said', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  t.after(right);
  const room = await ada.createRoom('tea', { members: [bob] });
  const devices = await Promise.all([0, 1].map((gateway) => bob.connect({ gateway, rooms: [room] })));
  const seqs = [];
  const senders = [ada, bob].map((person, api) => meanwhile(t, async (i) => {
    seqs.push((await person.post(room, `${person.login} ${i}`, { api })).seq);
  }));
  const more = async () => {
    const enough = seqs.length + 40;
    await eventually(() => seqs.length > enough, 'sends');
  };
  for (const clocks of [[HOUR_S, 0, 0, -HOUR_S], [-HOUR_S, 0, 0, HOUR_S], [0, HOUR_S, -HOUR_S, 0], [0, 0, 0, 0]]) {
    await setClocks(...clocks);
    await more();
  }
  for (const stop of senders) await stop();
  seqs.sort((a, b) => a - b);
  assert.deepEqual(seqs, seqs.map((_, i) => seqs[0] + i), 'dense');
  for (const device of devices) {
    assert.deepEqual(await device.reach(room, seqs.at(-1)), seqs);
    assert.equal(device.seen.filter(({ what }) => what === 'connected').length, 1, 'no connection was ended by a clock');
  }
  const times = (await ada.log(room)).map(({ created_at }) => created_at);
  assert.deepEqual(times, [...times].sort(), 'the database dates what is said');
});

test('T34 read positions, changes and presence are the same through an API whose clock is wrong', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  t.after(right);
  const room = await ada.createRoom('tea', { members: [bob] });
  for (let i = 0; i < 6; i++) await ada.post(room, `${i}`);
  for (const [wrong_s, seq] of [[HOUR_S, 5], [-HOUR_S, 7]]) {
    await setClocks(wrong_s, 0, 0, 0);
    const { until } = await bob.get('/me/changes', { api: 0 });
    await bob.moveCursor(room, seq - 1, { api: 1 });
    await bob.moveCursor(room, seq, { api: 0 });
    for (const api of [0, 1]) {
      const { items } = await bob.get(`/me/changes?since=${encodeURIComponent(until)}`, { api });
      assert.equal(items.find(({ room_id }) => room_id === room.id).cursor.seq, seq);
      await eventually(async () => (await bob.chatOf(room, { api })).cursor.seq === seq, 'the list');
    }
  }
  await setClocks(HOUR_S, -HOUR_S, 0, 0); // whichever API is told of somebody, and whichever is asked
  const viewers = await Promise.all([ada, bob].map((person, gateway) => person.connect({ gateway, rooms: [`live:${room.id}`] })));
  const whoIsThere = async (viewer) => Object.keys((await viewer.client.getSubscription(`live:${room.id}`).presence()).clients);
  for (let i = 0; i < 20; i++) await eventually(async () => (await whoIsThere(viewers[i % 2])).length === 2, 'both');
});

test('T34 tokens are judged by the clock of who judges, and are good again when it is right', async (t) => {
  const { ada } = await chat(t).users('ada');
  const servers = await running();
  t.after(right);
  const token = servers.sign({ sub: ada.id, sid: ada.session.id, exp: Math.floor(Date.now() / 1000) + LIFE_S });
  for (const [wrong_s, isGood] of [[0, true], [30, true], [-HOUR_S, true], [LIFE_S + 60, false], [HOUR_S, false], [0, true]]) {
    await setClocks(wrong_s, 0, wrong_s, 0);
    const asked = ada.get('/me', { api: 0, token });
    if (isGood) await asked;
    else await refused(asked, 401, 'token_expired');
    const connected = ada.connect({ token, getToken: () => Promise.reject(new UnauthorizedError('no other')) }); // it is asked for another: 109
    if (isGood) await connected;
    else await assert.rejects(connected, /refused with 1 unauthorized/);
  }
});
