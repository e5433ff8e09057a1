// A server of the operator's: a back end that proxies ask, a receiver of webhooks, a provider of keys.
import http from 'node:http';
import { freePort } from './ports.js';
import { Happenings } from './wait.js';

/** An answer that is no JSON of status 200. */
export class Said {
  constructor(status, text = '', headers = {}) {
    Object.assign(this, { status, text, headers });
  }
}
export const HANG = Symbol('never answers');
export const DIE = Symbol('closes the connection instead of answering');

/**
 *     const back = await Target.start(t);
 *     back.on('/connect', ({ body }) => ({ result: { user: body.data.name } }));
 *     (await back.next('/connect')).headers
 *
 * All requests are recorded: {path, headers, text, body, connection}; `connection` counts from 1.
 */
export class Target {
  static async start(t) {
    const target = new Target(await freePort());
    await target.open();
    t.after(() => target.close());
    return target;
  }

  constructor(port) {
    this.port = port;
    this.answers = new Map();
    this.taken = new Map();
    this.happened = new Happenings(`target ${port}`);
    this.sockets = new Set();
    this.connections = 0;
    this.underWay = this.mostAtOnce = 0;
  }

  url(path) {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  /** How `path` is answered: an object (its JSON), a Said, HANG, DIE, a promise or a function of the request that answers one of them. */
  on(path, answer) {
    this.answers.set(path, answer);
  }

  open() {
    this.server = http.createServer((request, response) => this.take(request, response));
    this.server.keepAliveTimeout = 60_000;
    this.server.unref(); // a test that failed must not keep its process
    this.server.on('connection', (socket) => {
      socket.number = ++this.connections;
      this.sockets.add(socket);
      socket.unref();
      socket.setMaxListeners(0);
      socket.on('close', () => this.sockets.delete(socket));
    });
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.port, '127.0.0.1', resolve);
    });
  }

  /** Gone, with all connections; open() brings it back. */
  close() {
    for (const socket of this.sockets) socket.destroy();
    return new Promise((resolve) => this.server.close(resolve));
  }

  async take(request, response) {
    const parts = [];
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.underWay);
    request.socket.once('close', () => (response.writableEnded ? 0 : this.underWay--));
    for await (const part of request) parts.push(part);
    const text = Buffer.concat(parts).toString();
    const seen = { path: request.url, headers: request.headers, text, body: parsed(text), connection: request.socket.number };
    this.happened.add(seen);
    const answer = this.answers.get(request.url);
    const said = await (typeof answer === 'function' ? answer(seen) : answer);
    if (said === HANG) return;
    if (said === DIE) {
      request.socket.destroy();
      return;
    }
    this.underWay--;
    const { status, text: body, headers } = whole(said);
    response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body);
  }

  /** The requests for `path` so far. */
  all(path) {
    return this.happened.list.filter((seen) => seen.path === path);
  }

  /** The next of them that next() has not given out. */
  async next(path, patienceMs) {
    const index = this.taken.get(path) ?? 0;
    this.taken.set(path, index + 1);
    return await this.happened.until(() => this.all(path)[index], `${path}, number ${index + 1}`, patienceMs);
  }

  /** Resolves once `probe(requests for path)` holds. */
  until(path, probe, label, patienceMs) {
    return this.happened.until(() => probe(this.all(path)), label, patienceMs);
  }
}

function whole(said) {
  if (said === undefined) return new Said(404, 'nothing here');
  return said instanceof Said ? said : new Said(200, JSON.stringify(said), { 'content-type': 'application/json' });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
