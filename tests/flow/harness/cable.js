import net from 'node:net';

/**
 * The network between clients and a server: a TCP proxy that a test can cut. `port` is its own.
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
    this.isCut = false;
    this.server = net.createServer((near) => this.connect(near));
  }

  connect(near) {
    if (this.isCut) {
      near.destroy();
      return;
    }
    const far = net.connect(this.target, '127.0.0.1');
    for (const [socket, other] of [[near, far], [far, near]]) {
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  }

  /** All connections break, new ones are refused until mend(). */
  cut() {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
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
