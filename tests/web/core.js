// web/src/sync for Node: bundled once, with what browsers have and Node 18 has not.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { webcrypto } from 'node:crypto';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import WebSocket from 'ws';
import { running } from '../flow/harness/index.js';
import { ROOT } from '../flow/harness/folders.js';

async function load() {
  const { build } = createRequire(path.join(ROOT, 'web', 'package.json'))('esbuild');
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'parley-core-'));
  const outfile = path.join(folder, 'sync.mjs');
  try {
    await build({ entryPoints: [path.join(ROOT, 'web/src/sync/index.ts')], outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'warning' });
    globalThis.crypto ??= webcrypto;
    globalThis.WebSocket = Detachable;
    return await import(pathToFileURL(outfile));
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

const networks = new Map(); // port of a gateway -> the network that it is reached by

/** A WebSocket that knows whether its owner's network is there. */
class Detachable extends WebSocket {
  constructor(url, protocols) {
    const network = networks.get(new URL(url).hash);
    super(network?.isCut ? 'ws://127.0.0.1:1/' : url.split('#')[0], protocols);
    this.on('error', () => {});
    network?.sockets.add(this);
  }
}

/** One client core of a person, as an application has it, whose socket a test can cut. */
export class Core {
  static async begin(t, person, { gateway = 0 } = {}) {
    Core.loaded ??= load();
    const sync = await Core.loaded;
    const servers = await running();
    const network = { isCut: false, sockets: new Set() };
    const hash = `#${networks.size}`;
    networks.set(hash, network);
    const core = new Core(sync, person, network);
    const base = `${servers.apis[person.api].origin}/v1`;
    core.tokens = new sync.Tokens(base, { load: () => person.tokens.refresh_token, save: (token) => (person.tokens.refresh_token = token) });
    core.tokens.accept(person.tokens);
    core.api = new sync.Api(core.tokens, base);
    const gateways = [`${servers.gateways[gateway].url}${hash}`, `${servers.gateways[1 - gateway].url}${hash}`];
    core.client = new sync.Client(core.api, person.user, { gateways });
    t.after(() => core.client.stop());
    core.client.start();
    await core.until(core.client.connection, () => core.client.isReady && core.client.isConnected, 'the first list');
    return core;
  }

  constructor(sync, person, network) {
    Object.assign(this, { sync, person, network });
  }

  /** Resolves once `is()` holds, asked again at each emission of `signal`. */
  until(signal, is, label, patienceMs = 30_000) {
    return new Promise((resolve, reject) => {
      const ask = () => {
        if (!is()) return;
        clearTimeout(timer);
        stop();
        resolve();
      };
      const stop = signal.on(ask);
      const timer = setTimeout(() => (stop(), reject(new Error(`no ${label} in ${patienceMs} ms`))), patienceMs);
      ask();
    });
  }

  async offline() {
    this.network.isCut = true;
    for (const socket of this.network.sockets) socket.terminate();
    await this.until(this.client.connection, () => !this.client.isConnected, 'loss of the connection');
  }

  /** May come back to the other gateway. */
  async online() {
    this.network.isCut = false;
    await this.until(this.client.connection, () => this.client.isConnected, 'connection after an absence');
  }

  async openRoom(room, options) {
    const opened = this.client.openRoom(room.id, options);
    await this.until(opened.changed, () => opened.state === 'open', 'open room');
    return opened;
  }
}
