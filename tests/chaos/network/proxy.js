import net from 'node:net';
import { Way } from './way.js';

const NO_TROUBLE = { isCut: false, isSilent: false, delayMs: 0, drop: 0, duplicate: 0, reorder: 0 };

/** The network between one side and one port of the other: as good or as bad as it is told to be. */
export class Proxy {
  /** `isBus`: frames of the bus pass, so that single ones can be lost, doubled or overtaken. */
  constructor({ port, target, isBus = false, random }) {
    Object.assign(this, { port, target, isBus, random });
    this.trouble = { ...NO_TROUBLE };
    this.sockets = new Set();
    this.server = net.createServer((near) => this.connect(near));
  }

  open() {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.port, '127.0.0.1', resolve);
    });
  }

  connect(near) {
    if (this.trouble.isCut) return near.destroy();
    if (this.trouble.isSilent) return this.keep(near); // accepted, and that is all
    const far = net.connect(this.target, '127.0.0.1');
    for (const [from, to] of [[near, far], [far, near]]) {
      this.keep(from, to);
      from.setNoDelay(true);
      new Way(from, to, this);
    }
  }

  keep(socket, other = null) {
    this.sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      this.sockets.delete(socket);
      other?.destroy();
    });
  }

  /** isCut: all break, new ones are refused. isSilent: all stay, new ones are accepted, nothing passes. */
  worsen(trouble) {
    Object.assign(this.trouble, trouble);
    if (this.trouble.isCut) this.breakAll();
  }

  heal() {
    if (this.trouble.isSilent) this.breakAll(); // what was swallowed is missing in the middle of a stream
    Object.assign(this.trouble, NO_TROUBLE);
  }

  breakAll() {
    for (const socket of this.sockets) socket.destroy();
  }

  close() {
    this.breakAll();
    this.server.close();
  }
}
