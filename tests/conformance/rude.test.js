// Who does not hang up: RFC 6455 7.1.1 leaves the end of the connection to the server, so it must not wait for ever.
import { eventually, test } from '../flow/harness/index.js';
import { BINARY, TEXT, close, frame, ping, text } from './frames.js';
import { MESSAGE_MAX, NO_COMMAND, command, gateways } from './gateway.js';
import { Peer } from './peer.js';

const CUT_OFF_MS = 3_000; // `usual` waits for 300 ms

/** [what the peer said, frames, the close that it hears] */
const lastWords = [
  ['its own close', [close(1000)], 'close 1000'],
  ['what breaks the rules', [frame(3)], 'close 1002'],
  ['text that is not UTF-8', [text(Buffer.from([0xff]))], 'close 1007'],
  ['too much', [frame(BINARY, '', { announced: MESSAGE_MAX + 1 })], 'close 1009'],
  ['what is no command', [text('tea')], NO_COMMAND],
  ['what breaks the rules, after a command', [text(command(1)), frame(TEXT, '', { rsv: 2 })], 'close 1002'],
];

test('a peer that does not hang up after the close is cut off', async (t) => {
  const { usual } = await gateways(t);
  for (const [what, send, hear] of lastWords)
    await t.test(`it said ${what}`, async () => {
      const peer = await Peer.connected(usual, { isRude: true });
      await peer.say([...send, hear]);
      await eventually(async () => {
        await peer.write(ping('still there?'));
        return peer.socket.destroyed;
      }, 'the socket is gone', CUT_OFF_MS);
    });
});
