/**
 * Cuts a stream of the bus into what NNG sends over TCP: a hello of 8 bytes (0 'S' 'P' 0, protocol, 0), then messages, each behind
 * its length in 8 bytes, big-endian. A frame is the whole of it, ready to be sent on.
 */
export class Frames {
  constructor() {
    this.rest = Buffer.alloc(0);
    this.isGreeted = false;
  }

  /** The frames that `bytes` completes; `isHello` marks the first. */
  take(bytes) {
    const frames = [];
    this.rest = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    for (let size; (size = this.next()) <= this.rest.length; ) {
      frames.push({ bytes: this.rest.subarray(0, size), isHello: !this.isGreeted });
      this.isGreeted = true;
      this.rest = this.rest.subarray(size);
    }
    return frames;
  }

  /** How long the next frame is, as far as that is known. */
  next() {
    if (!this.isGreeted) return HELLO_BYTES;
    return this.rest.length < LENGTH_BYTES ? Infinity : LENGTH_BYTES + Number(this.rest.readBigUInt64BE());
  }
}

const HELLO_BYTES = 8;
const LENGTH_BYTES = 8;
