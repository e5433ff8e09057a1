// T28: a synchronous standby takes over from a primary that is gone, or hangs.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { chat, configure, eventually, meanwhile, nonce, running, test } from './harness/index.js';
import { BIN } from './harness/folders.js';

/* A connection is given up after a second, or a primary that hangs would make this long. */
configure({ standby: true, api: { PARLEY_DB_CONNECT_TIMEOUT_MS: '1000', PARLEY_DB_STATEMENT_TIMEOUT_MS: '1000' } });

const SENDERS = 4;
const WINDOW_CODES = ['unavailable', 'busy', 'timeout'];

/**
 * Several people's sends, each repeated with its nonce until it is acknowledged, through both APIs by turns. `stored`: seq -> {by, text, nonce} of
 * what was; `failed`: the answers that were no 2xx, and when they were asked and answered.
 */
function send(t, people, room) {
  const stored = new Map();
  const failed = [];
  const stops = Array.from({ length: SENDERS }, (_, number) => meanwhile(t, async (i) => {
    const given = nonce();
    const text = `${number} ${i}`;
    const by = people[number % 2];
    let api = number;
    const event = await eventually(async () => {
      const body = { text, nonce: given };
      const asked = Date.now();
      const answer = await by.ask('POST', `/rooms/${room.id}/messages`, body, { api: api++ % 2 });
      if (answer.status < 300) return answer.body;
      failed.push({ asked, answered: Date.now(), status: answer.status, code: answer.body.code });
      return null;
    }, 'a send', 30_000);
    assert.ok(!stored.has(event.seq), `seq ${event.seq} was given twice`);
    stored.set(event.seq, { by, text, nonce: given });
  }));
  const more = (count = 30) => {
    const enough = stored.size + count;
    return eventually(() => stored.size > enough, 'acknowledged sends', 20_000);
  };
  return { stored, failed, more, stop: () => Promise.all(stops.map((stop) => stop())) };
}

/** The log has what was acknowledged, once, under the seq that was said, and nothing else. */
async function assertNothingLost(ada, room, stored) {
  for (const api of [0, 1]) {
    const log = await eventually(() => ada.log(room, 0, { api }), 'the log');
    assert.deepEqual(log.map(({ seq }) => seq), log.map((_, i) => i + 1), 'dense');
    assert.equal(log.length, 3 + stored.size, 'every stored message was acknowledged once');
    for (const [seq, { text }] of stored) assert.equal(log[seq - 1].message.text, text);
  }
}

/** A failover amid sends. `end(primary)`: how the primary goes. */
async function failOverAmidSends(t, end) {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const servers = await running();
  const room = await ada.createRoom('tea', { members: [bob] });
  const quiet = await ada.createRoom('quiet', { members: [bob] });
  const devices = await Promise.all([0, 1].map((gateway) => bob.connect({ gateway, rooms: [room, quiet] })));
  const { epoch } = (await ada.snapshot(room)).as_of;
  const traffic = send(t, [ada, bob], room);
  await traffic.more();

  const window = { from: Date.now() };
  await servers.failOver(end, () => eventually(() => traffic.failed.length >= 2 * SENDERS, 'refusals', 20_000));
  const promoted = Date.now();
  for (const program of servers.programs) await program.untilReady();
  window.to = Date.now();
  t.diagnostic(`all ready ${window.to - promoted} ms after the promotion`);
  await traffic.more(60);
  await traffic.stop();

  for (const { asked, answered, status, code } of traffic.failed) {
    assert.deepEqual([status, WINDOW_CODES.includes(code)], [503, true], code);
    assert.ok(asked <= window.to && answered >= window.from, `a 503 asked ${asked - window.to} ms after the recovery`);
  }
  await assertNothingLost(ada, room, traffic.stored);
  for (const [seq, { by, text, nonce: given }] of [...traffic.stored].slice(0, 5))
    assert.equal((await by.post(room, text, { nonce: given })).seq, seq, 'a send of before the failover, sent again');
  await assertClientsAreTold(ada, devices, [room, quiet], epoch);
}

/** The numbers of the old epoch are void: each subscriber hears so, whether or not anything happens in the room. */
async function assertClientsAreTold(ada, devices, rooms, oldEpoch) {
  for (const room of rooms) {
    const { epoch } = (await ada.snapshot(room)).as_of;
    assert.notEqual(epoch, oldEpoch);
    const isNew = ({ what, channel, streamPosition }) => what === 'subscribed' && channel === `room:${room.id}` && streamPosition?.epoch === epoch;
    for (const device of devices) {
      const told = await device.until(() => device.seen.find(isNew), `word of the new epoch in room ${room.name}`);
      assert.deepEqual([told.wasRecovering, told.recovered], [true, false]);
    }
    const after = await ada.post(room, 'after');
    for (const device of devices)
      await device.until(() => device.publications(`room:${room.id}`).some(({ offset }) => offset === after.seq), 'the message after');
  }
}

/** What `parley doctor` finds of a subject: [verdict, detail], of the database at `url`. */
async function doctor(subject, url) {
  const servers = await running();
  const env = { ...process.env, ...servers.databaseEnv(), PARLEY_DB_URL: url };
  const out = await new Promise((resolve) => {
    execFile(path.join(BIN, 'parley'), ['doctor', '--json'], { env }, (error, text) => resolve(text)); // with fsync off it always finds something
  });
  const { verdict, detail } = JSON.parse(out).findings.findLast((finding) => finding.subject === subject);
  return [verdict, detail];
}

test('the doctor says whether a failover would lose anything', async () => {
  const { database, postgres, standby } = await running();
  const set = async (setting) => {
    await postgres.sql(`ALTER SYSTEM ${setting}`);
    await postgres.sql('SELECT pg_reload_conf()');
  };
  assert.deepEqual(await doctor('standby', database), ['ok', '1 synchronous: a failover loses nothing']);
  assert.deepEqual(await doctor('PostgreSQL', database.replace(/@[^,]*,/, '@').replace(/\?.*/, '')), ['fail', 'is a standby: nothing can be written here']);
  await set("SET synchronous_commit = 'local'");
  await eventually(async () => /do not wait/.test((await doctor('standby', database))[1]), 'a warning of commits that do not wait');
  await set('RESET synchronous_commit');
  await set('RESET synchronous_standby_names');
  await eventually(async () => /^1 asynchronous/.test((await doctor('standby', database))[1]), 'a warning of an asynchronous standby');
  await standby.stop();
  await eventually(async () => /^none/.test((await doctor('standby', database))[1]), 'a warning of no standby');
  await standby.start();
  await postgres.waitForStandby();
});

test('T28 a standby takes over from a primary that hangs', async (t) => {
  await failOverAmidSends(t, (primary) => primary.freeze());
});

test('T28 a standby takes over from a primary that is gone', async (t) => {
  await (await running()).rejoin();
  await failOverAmidSends(t, (primary) => primary.stop(['immediate']));
});
