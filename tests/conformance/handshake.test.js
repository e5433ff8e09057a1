// How a WebSocket begins (RFC 6455 4.2): what is refused, and what is nobody's business.
import assert from 'node:assert/strict';
import { raw, test } from '../flow/harness/index.js';
import { close, text } from './frames.js';
import { command, gateways } from './gateway.js';
import { Peer, handshake } from './peer.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==', ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='; // those of RFC 6455 1.3

/** [what, changes of the handshake, status] */
const refused = [
  ['a POST', { line: 'POST /connection/websocket HTTP/1.1', 'Content-Length': '0' }, 405],
  ['no upgrade', { Upgrade: null, Connection: null }, 400],
  ['an upgrade to something else', { Upgrade: 'h2c' }, 400],
  ['no key', { 'Sec-WebSocket-Key': null }, 400],
  ['an empty key', { 'Sec-WebSocket-Key': '' }, 400],
  ['a key that is too short', { 'Sec-WebSocket-Key': KEY.slice(1) }, 400],
  ['no version', { 'Sec-WebSocket-Version': null }, 426],
  ['version 8', { 'Sec-WebSocket-Version': '8' }, 426],
  ['version 14', { 'Sec-WebSocket-Version': '14' }, 426],
  ['another path', { line: 'GET /connection/websockets HTTP/1.1' }, 404],
];

/** Faults T51: what the Origin of a page may be; a client that is no browser sends none. */
const origins = [
  ['null', 403], ['https://evil.example', 403], ['http://127.0.0.1.evil.example', 403], ['http://127.0.0.2', 403], ['http://evil.example/127.0.0.1', 403],
  ['127.0.0.1', 403], [null, 101], ['http://127.0.0.1', 101], ['http://127.0.0.1:5173', 101], ['HTTP://127.0.0.1', 101],
];

/** [what, changes, the subprotocol of the answer] */
const accepted = [
  ['nothing but what must be', {}, undefined],
  ['names in capitals', { Upgrade: null, UPGRADE: 'WebSocket' }, undefined],
  ['an upgrade among others of the connection', { Connection: 'keep-alive, Upgrade' }, undefined],
  ['a query', { line: 'GET /connection/websocket?cf_protocol_version=v2 HTTP/1.1' }, undefined],
  ['the subprotocol for JSON', { 'Sec-WebSocket-Protocol': 'centrifuge-json' }, 'centrifuge-json'],
  ['an unknown subprotocol before it', { 'Sec-WebSocket-Protocol': 'mqtt, centrifuge-json' }, 'centrifuge-json'],
  ['an unknown subprotocol', { 'Sec-WebSocket-Protocol': 'mqtt' }, undefined],
  ['an empty subprotocol', { 'Sec-WebSocket-Protocol': '' }, undefined],
  ['an unknown extension', { 'Sec-WebSocket-Extensions': 'x-webkit-deflate-frame, x-tea; milk' }, undefined],
];

const statusOf = (answer) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
const asked = (gate, changes) => raw(gate.port, handshake(KEY, changes), { until: /\r\n\r\n/ });

test('what is no handshake is refused with its status', async (t) => {
  const { usual } = await gateways(t);
  for (const [what, changes, status] of refused)
    await t.test(`${what}: ${status}`, async () => {
      const answer = await asked(usual, changes);
      assert.equal(statusOf(answer), status, answer);
      if (status === 426) assert.match(answer, /^sec-websocket-version: 13\r$/im);
    });
});

test('pages of other origins get no socket', async (t) => {
  const { usual } = await gateways(t);
  for (const [origin, status] of origins)
    await t.test(`${origin}: ${status}`, async () => assert.equal(statusOf(await asked(usual, { Origin: origin })), status));
});

test('the accept key is computed as in the example of the RFC', async (t) => {
  const { usual } = await gateways(t);
  assert.match(await asked(usual, {}), new RegExp(`^sec-websocket-accept: ${ACCEPT.replace('+', '\\+')}\r$`, 'im'));
});

test('what may be in a handshake does not disturb it', async (t) => {
  const { usual } = await gateways(t);
  for (const [what, headers, protocol] of accepted)
    await t.test(what, async () => {
      const peer = await Peer.connected(usual, { headers });
      assert.equal(peer.header('sec-websocket-protocol'), protocol);
      assert.equal(peer.header('sec-websocket-extensions'), undefined);
      await peer.say([text(command(2)), close(1000)]);
      assert.deepEqual(await peer.ended(), ['reply 2', 'close 1000', 'end']);
    });
});
