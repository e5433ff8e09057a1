// Programs that fail where it hurts most (base/fail_point.h): PARLEY_BIN must be a folder with such.
import assert from 'node:assert/strict';
import { chat, configure, eventually, running, test } from '../flow/harness/index.js';
import { nonce } from '../flow/harness/person.js';
import { callUntilKnown } from './load/call.js';

const REPEATS = 30;

configure({ apis: 2, gateways: 2, api: (i) => (i === 0 ? { PARLEY_FAIL_POINTS: 'die_after_commit=0.5' } : {}) });

/** The dying API is there again whenever it has died, until the test ends. */
function keepAlive(t, api) {
  const watch = { isOver: false, deaths: 0 };
  const onEnd = async () => {
    if (watch.isOver) return;
    watch.deaths++;
    await api.start({ wait: false }); // it may die again before it is ready
    guard();
  };
  const guard = () => {
    api.isEnding = true; // its death is no surprise
    api.exit.then(onEnd);
  };
  t.after(() => (watch.isOver = true));
  guard();
  return watch;
}

test('T27 an API that dies between commit and publication: the other one publishes, nothing is lost or doubled', async (t) => {
  const { ada, bob } = await chat(t).users('ada', 'bob');
  const { apis } = await running();
  const watch = keepAlive(t, apis[0]);
  const tea = await ada.via(1).createRoom('tea', { members: [bob] });
  const devices = await Promise.all([0, 1].map((gateway) => bob.via(1).connect({ gateway, rooms: [tea] })));
  const sent = [];
  for (let i = 0; i < REPEATS; i++) {
    const what = { text: `message ${i}`, nonce: nonce() };
    const answer = await callUntilKnown(ada, 'POST', `/rooms/${tea.id}/messages`, what, { pinned: 0 });
    assert.ok(answer && [200, 201].includes(answer.status), JSON.stringify(answer?.body));
    sent.push(answer.body);
  }
  assert.ok(watch.deaths > 3, `it died ${watch.deaths} times`);
  for (const device of devices) {
    const texts = () => device.publications(`room:${tea.id}`).map(({ data }) => data.message?.text).filter(Boolean);
    await eventually(() => texts().length >= REPEATS, 'all of them');
    assert.deepEqual(texts(), sent.map(({ message }) => message.text), 'in order, each once');
  }
  assert.deepEqual(sent.map(({ seq }) => seq), sent.map((_, i) => sent[0].seq + i), 'numbered without a hole');
});
