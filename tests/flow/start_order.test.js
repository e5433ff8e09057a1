// T33: the API, a gateway, PostgreSQL and Redis, started in any order.
import assert from 'node:assert/strict';
import { chat, configure, eventually, exchange, nonce, running, test } from './harness/index.js';

configure({ ownPostgres: true, apis: 1, gateways: 1 });

function orders(items) {
  if (items.length < 2) return [items];
  return items.flatMap((item) => orders(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
}

/** As the power does it. */
async function endAll({ postgres, redis, programs }) {
  for (const program of programs) await program.kill();
  await Promise.all([postgres.stop(['immediate']), redis.stop()]);
}

/** Runs, whether or not it can work yet. */
async function startProgram(program) {
  await program.start({ wait: false });
  await eventually(async () => (await exchange(program.origin, 'GET', '/health')).status === 200, `${program.name} lives`);
}

const starts = {
  api: ({ apis: [api] }) => startProgram(api),
  gateway: ({ gateways: [gateway] }) => startProgram(gateway),
  postgres: ({ postgres }) => postgres.start(),
  redis: ({ redis }) => redis.start(),
};

for (const first of Object.keys(starts))
  test(`T33 ${first} first and the others in any order: all are ready once the last one is there`, async (t) => {
    const servers = await running();
    const { ada, bob } = await chat(t).users('ada', 'bob');
    const room = await ada.createRoom('tea', { members: [bob] });
    for (const order of orders(Object.keys(starts)).filter(([name]) => name === first)) {
      await endAll(servers);
      for (const name of order) await starts[name](servers);
      for (const program of servers.programs) await program.untilReady();
      const device = await bob.connect({ rooms: [room] });
      const given = nonce();
      const event = await eventually(() => ada.post(room, order.join(), { nonce: given }), 'a send');
      await device.reach(room, event.seq);
      device.close();
      assert.deepEqual(servers.casualties(), [], order.join());
    }
  });
