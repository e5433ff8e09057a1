// Who is before the windows of a browser test: programs with the page, people with accounts.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { configure, running } from '../flow/harness/index.js';
import { ROOT } from '../flow/harness/folders.js';
import { Visitor } from './browser.js';

const PAGE = process.env.PARLEY_WEB_DIR ?? path.join(ROOT, 'web', 'dist');
if (!fs.existsSync(path.join(PAGE, 'index.html'))) throw new Error(`no page in ${PAGE}: build web/ first, or set PARLEY_WEB_DIR`);

/* Each API names one gateway alone, so that the address that one opens decides the gateway. */
configure({
  api: (number, gatewayPorts) => ({
    PARLEY_HTTP_WEB_DIR: PAGE,
    PARLEY_GATEWAYS: `ws://{host}:${gatewayPorts[number]}/connection/websocket`,
  }),
});

let rooms = 0;
let visitors = 0;

export async function visit(t, number, options) {
  const { apis } = await running();
  return await Visitor.open(t, apis[number].origin, options);
}

/** The number of somebody new, for a login that nobody else has. */
export const visitor = () => ++visitors;

/** Two people with an account each, ada.N and bob.N, one at either API and gateway. */
export async function twoPeople(t, options) {
  const [ada, bob] = await Promise.all([visit(t, 0, options), visit(t, 1, options)]);
  const number = visitor();
  await Promise.all([ada.register(`ada.${number}`, 'Ada'), bob.register(`bob.${number}`, 'Bob')]);
  return { ada, bob, number };
}

/** They are in a public room, which ada made. */
export async function twoInARoom(t, options) {
  const { ada, bob, number } = await twoPeople(t, options);
  const name = `tea ${++rooms}`;
  const room = await ada.makeRoom(name, 'public');
  await bob.joinRoom(`tea-${rooms}`);
  return { ada, bob, room, name, number };
}

export function assertNoComplaints(...people) {
  for (const person of people) assert.deepEqual(person.complaints, []);
}
