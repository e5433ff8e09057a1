// The gateways that are spoken to, and how a message is shown to have been understood. Nothing else in this folder knows what
// a message means: a gateway does not echo, so every message carries a command with a number, and the reply bears the number.
import { chat, configure } from '../flow/harness/index.js';

export const MESSAGE_MAX = 65_536;
export const ROOMY_MESSAGE_MAX = 16_777_216;

/** Whether an offer of permessage-deflate is accepted. */
export const COMPRESSES = true;

const ROOMY = 1;

configure({
  apis: 1,
  gateways: 2,
  gateway: (i) => ({
    PARLEY_WEBSOCKET_COMPRESSION: 'true',
    ...(i === ROOMY ? { PARLEY_WEBSOCKET_MESSAGE_SIZE_LIMIT: String(ROOMY_MESSAGE_MAX) } : { PARLEY_CLIENT_CLOSE_MS: '300' }),
  }),
});

/**
 * `usual` has the limits that everybody has, `roomy` takes messages of 16 MiB: {port, pid, hello}. `hello` is the message
 * that makes a connection a client's; its reply is number 1.
 */
export async function gateways(t) {
  const { ada } = await chat(t).users('ada');
  const hello = Buffer.from(JSON.stringify({ connect: { token: ada.tokens.access_token }, id: 1 }));
  const [usual, roomy] = ada.chat.servers.gateways.map(({ port, child }) => ({ port, pid: child.pid, hello }));
  return { usual, roomy };
}

/**
 * A message that is answered with `reply n`: `content` (a text, or bytes that may stand in a JSON string) goes along unread,
 * and so do as many letters as it takes to be `bytes` long. The number comes last, so that it shows that all was read.
 */
export function command(n, content = '', bytes = 0) {
  const head = Buffer.from('{"pad":"');
  const tail = Buffer.from(`","history":{"channel":"x"},"id":${n}}`);
  const body = Buffer.from(content);
  const letters = Math.max(0, bytes - head.length - body.length - tail.length);
  return Buffer.concat([head, body, Buffer.alloc(letters, 'x'), tail]);
}

/** What a message that came says, in the words of transcripts: `reply 7`, one for each line. */
export function meanings(text) {
  return text.split('\n').map((line) => {
    const { id } = JSON.parse(line);
    return id === undefined ? `push ${line}` : `reply ${id}`;
  });
}

/** How a connection ends whose message was read well and is no command: an empty one, or one that is not JSON. */
export const NO_COMMAND = 'close 3501';
