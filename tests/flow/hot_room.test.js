// T43: what a room in which much is said costs those who do not look at it.
import assert from 'node:assert/strict';
import { setInterval as ticks } from 'node:timers/promises';
import { chat, configure, test } from './harness/index.js';

const PASSIVE = 18;
const ACTIVE = 2;
const PER_SECOND = 100;
const MESSAGES = 400;
const TEXT = 'what is said in a room where much is said, and hardly anybody looks at it all the time';

configure({ apis: 1, gateways: 1 });

const received = (device) => device.socket._socket.bytesRead;

test(`T43 of ${PER_SECOND} messages a second those who do not look at the room get a tenth of the bytes, and their unread counts are exact`, async (t) => {
  const { ada } = await chat(t).users('ada');
  const people = await Promise.all(Array.from({ length: PASSIVE + ACTIVE }, (_, i) => chat(t).register(`person${i}`)));
  const room = await ada.createRoom('hot', { members: people });
  const devices = await Promise.all(people.map((person) => person.connect()));
  const [passive, active] = [devices.slice(ACTIVE), devices.slice(0, ACTIVE)];
  await Promise.all(active.map((device) => device.subscribe(room)));
  const before = devices.map(received);

  const started = performance.now();
  const sent = [];
  for await (const _ of ticks(1000 / PER_SECOND)) {
    sent.push(ada.post(room, `${sent.length} ${TEXT}`));
    if (sent.length === MESSAGES) break;
  }
  const last = (await Promise.all(sent)).reduce((a, b) => (a.seq > b.seq ? a : b));
  await Promise.all(active.map((device) => device.until(() => device.publications(room).at(-1)?.offset === last.seq, 'the last message')));
  await Promise.all(passive.map((device) => device.until(() => device.publications('chats').at(-1)?.data.last_seq === last.seq, 'the last line')));

  const bytes = devices.map((device, i) => received(device) - before[i]);
  const full = Math.min(...bytes.slice(0, ACTIVE)), most = Math.max(...bytes.slice(ACTIVE));
  assert.equal(active[0].publications(room).length, MESSAGES);
  const slowness = Math.max(1, ((performance.now() - started) / 1000) * (PER_SECOND / MESSAGES)); // lines come by the clock
  assert.ok(most <= (full / 10) * slowness, `${most} bytes, beside ${full} of all events`);
  for (const device of passive) {
    const line = device.publications('chats').at(-1).data;
    const [listed] = await device.person.chats();
    assert.deepEqual([line.message_no, line.last_message.text], [MESSAGES, last.message.text]);
    assert.deepEqual([listed.unread, listed.room.message_no - listed.cursor.message_no], [MESSAGES, MESSAGES]);
  }
  t.diagnostic(`${most} bytes, beside ${full} of all events`);
});
