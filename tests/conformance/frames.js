// Frames as a client sends them (RFC 6455 5.2), also those that it must not send.

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

const MASK = Buffer.from('37fa213d', 'hex');

/**
 * `rsv`: the three reserved bits, 4 is RSV1. `mask`: null sends a frame without one. `announced`: the length that the
 * header tells, whatever comes.
 */
export function frame(opcode, payload = '', { fin = true, rsv = 0, mask = MASK, announced } = {}) {
  const bytes = Buffer.from(payload);
  const head = Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode]), lengthOf(announced ?? bytes.length)]);
  if (mask === null) return Buffer.concat([head, bytes]);
  head[1] |= 0x80;
  for (let i = 0; i < bytes.length; i++) bytes[i] ^= mask[i % 4];
  return Buffer.concat([head, mask, bytes]);
}

function lengthOf(count) {
  if (count < 126) return Buffer.from([count]);
  const bytes = Buffer.alloc(count < 65_536 ? 3 : 9);
  bytes[0] = count < 65_536 ? 126 : 127;
  if (count < 65_536) bytes.writeUInt16BE(count, 1);
  else bytes.writeBigUInt64BE(BigInt(count), 1);
  return bytes;
}

export const text = (payload, how) => frame(TEXT, payload, how);
export const binary = (payload, how) => frame(BINARY, payload, how);
export const continuation = (payload, how) => frame(CONTINUATION, payload, how);
export const ping = (payload, how) => frame(PING, payload, how);
export const pong = (payload, how) => frame(PONG, payload, how);

/** Without a code it is empty. */
export function close(code, reason = '', how) {
  const payload = Buffer.alloc(code === undefined ? 0 : 2);
  if (code !== undefined) payload.writeUInt16BE(code);
  return frame(CLOSE, Buffer.concat([payload, Buffer.from(reason)]), how);
}

/** Pieces of `bytes` of so many each; `size` a list: these, and what is left. */
export function cut(bytes, size) {
  const sizes = Array.isArray(size) ? [...size] : [];
  const pieces = [];
  for (let at = 0; at < bytes.length; at += pieces.at(-1).length) {
    const next = Array.isArray(size) ? (sizes.shift() ?? bytes.length) : size;
    pieces.push(bytes.subarray(at, at + next));
  }
  return pieces;
}

/** One message as frames, a payload each; `last: false` leaves it open. `rsv`: of the first. */
export function fragments(opcode, payloads, { last = true, rsv = 0 } = {}) {
  return payloads.map((payload, i) =>
    frame(i === 0 ? opcode : CONTINUATION, payload, { fin: last && i === payloads.length - 1, rsv: i === 0 ? rsv : 0 }),
  );
}

/** The frames with others put in behind the first of them. */
export const behindFirst = ([first, ...rest], ...others) => [first, ...others, ...rest];
