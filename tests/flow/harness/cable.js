import net from 'node:net';

/**
 * The network between clients and a server: a TCP proxy that a test can cut, or hold up, or have lose replies. `port` is its own.
 *
 *     const cable = await Cable.lay(t, gateway.port);
 */
export class Cable {
  static async lay(t, port) {
    const cable = new Cable(port);
    t.after(() => cable.remove());
    await new Promise((resolve, reject) => {
      cable.server.once('error', reject);
      cable.server.listen(0, '127.0.0.1', resolve);
    });
    cable.port = cable.server.address().port;
    return cable;
  }

  constructor(target) {
    this.target = target;
    this.sockets = new Set();
    this.near = new Set(); // those of clients
    this.isCut = false;
    this.losesReply = () => false; // asked for each piece that comes back; true: it is dropped, and the connection breaks
    this.lost = 0;
    this.server = net.createServer((near) => this.connect(near));
  }

  connect(near) {
    if (this.isCut) {
      near.destroy();
      return;
    }
    const far = net.connect(this.target, '127.0.0.1');
    this.near.add(near);
    near.on('close', () => this.near.delete(near));
    for (const [socket, other] of [[near, far], [far, near]]) {
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    near.pipe(far);
    far.on('data', (piece) => this.carryBack(piece, near));
    far.on('end', () => near.end());
  }

  carryBack(piece, near) {
    if (!this.losesReply()) {
      near.write(piece);
      return;
    }
    this.lost++;
    near.destroy();
  }

  /** All connections break, new ones are refused until mend(). */
  cut() {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  /** What clients send on the connections of now stays under way until release(). */
  hold() {
    for (const socket of this.near) socket.pause();
  }

  release() {
    for (const socket of this.near) socket.resume();
  }

  /** `target`: from now on to another port. */
  mend(target = this.target) {
    this.target = target;
    this.isCut = false;
  }

  remove() {
    this.cut();
    this.server.close();
  }
}
