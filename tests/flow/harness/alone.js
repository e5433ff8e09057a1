// A gateway alone (--broker memory): no API, no database, one configuration file.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { BIN, logFolder } from './folders.js';
import { exchange } from './http.js';
import { freePort } from './ports.js';
import { Program } from './program.js';

export const API_KEY = 'test-api-key';
export const TOKEN_KEY = 'test-token-key-that-is-long-enough';

let count = 0;

/** An error of the server API: {code, message}, and the HTTP `status`. */
export class ApiError extends Error {
  constructor(method, { status, text }, { code, message }) {
    super(message);
    Object.assign(this, { code, status });
    Object.defineProperty(this, 'stack', { value: `${this.stack}\n    of ${method}: ${status} ${text.slice(0, 300)}` });
  }
}

/**
 *     const gateway = await Alone.start(t, { channel: { without_namespace: { presence: true } } });
 *     await gateway.api('publish', { channel: 'news', data: {} });
 *
 * `origin` is its http:// address, `url` its ws:// one, `operator` the http:// address of what is the
 * operator's (another one with http_server.internal_port), `log` the file of all that it prints.
 */
export class Alone {
  static all = new Set(); // those that run

  /**
   * `config`: the configuration file, as an object; API_KEY and TOKEN_KEY are set unless it says otherwise.
   * `args`, `env`: more of the command line and the environment. It ends with the test, which fails when
   * it does not end well.
   */
  static async start(t, config = {}, { args = [], env = {} } = {}) {
    const alone = new Alone(await freePort(), config, args, env);
    Alone.all.add(alone);
    t.after(() => alone.end());
    await alone.program.start();
    return alone;
  }

  constructor(port, config, args, env) {
    const base = path.join(logFolder(), `alone-${count++}`);
    this.config = withKeys(config);
    this.closers = [];
    this.origin = `http://127.0.0.1:${port}`;
    this.operator = `http://127.0.0.1:${config.http_server?.internal_port || port}`;
    this.url = `ws://127.0.0.1:${port}${this.config.websocket?.handler_prefix ?? '/connection/websocket'}`;
    this.port = port;
    this.log = `${base}.log`;
    this.apiPath = this.config.http_api.handler_prefix ?? '/api';
    fs.writeFileSync(`${base}.json`, JSON.stringify(this.config, null, 2));
    this.program = new Program({
      name: path.basename(base),
      command: path.join(BIN, 'parley-gateway'),
      args: [`--config=${base}.json`, '--broker=memory', `--http.port=${port}`, '--log.format=text', ...args],
      env,
      log: this.log,
      ready: async () => (await exchange(this.operator, 'GET', '/ready')).status === 200,
    });
  }

  /** One HTTP exchange with the server API, whatever comes of it; `body` instead of `params`: as it is. */
  ask(method, params = {}, { key = API_KEY, headers = {}, query = '', body = JSON.stringify(params), verb = 'POST' } = {}) {
    const address = `${this.apiPath}${method === '' ? '' : `/${method}`}${query && `?${query}`}`;
    return exchange(this.operator, verb, address, {
      headers: { 'content-type': 'application/json', ...(key === null ? {} : { 'x-api-key': key }), ...headers },
      body,
    });
  }

  /** The result of a method of the server API (of `batch` the whole answer); an error is thrown as ApiError. */
  async api(method, params, options) {
    const answer = await this.ask(method, params, options);
    if (answer.body === undefined) throw new Error(`${method}: ${answer.status} ${answer.text}`);
    if (answer.body.error) throw new ApiError(method, answer, answer.body.error);
    if (answer.status !== 200) throw new ApiError(method, answer, answer.body);
    return answer.body.result ?? answer.body;
  }

  /** A token that it takes; without `exp` it does not end. */
  token(claims, key = this.config.client.token.hmac_secret_key) {
    const parts = [{ alg: 'HS256', typ: 'JWT' }, claims];
    const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    return `${text}.${crypto.createHmac('sha256', key).update(text).digest('base64url')}`;
  }

  /** All counters and gauges: {'parley_gateway_connections': 1, …}; names with their labels, if any. */
  async metrics() {
    const { status, text } = await exchange(this.operator, 'GET', '/metrics');
    assert.equal(status, 200);
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
  }

  /** `close()` is called before the gateway ends with its test. */
  beforeEnd(close) {
    this.closers.push(close);
  }

  /** SIGTERM; resolves with {code, signal} once it has ended. */
  stop() {
    Alone.all.delete(this);
    return this.program.stop();
  }

  async end() {
    for (const close of this.closers) close();
    if (!Alone.all.delete(this)) return;
    if (!this.program.isRunning) throw new Error(`${this.program.name} ended by itself\n${this.program.tail()}`);
    const { code, signal } = await this.program.stop();
    if (code !== 0) throw new Error(`${this.program.name} ended with ${code ?? signal}\n${this.program.tail(60)}`);
  }
}

function withKeys(config) {
  return {
    ...config,
    http_api: { key: API_KEY, ...config.http_api },
    client: { ...config.client, token: { hmac_secret_key: TOKEN_KEY, ...config.client?.token } },
  };
}
