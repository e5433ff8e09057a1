import http from 'node:http';
import { brokenPromise } from './promised.js';

const CALL_TIMEOUT_MS = 20_000;
/* Idle connections are ours to close first: a request on one that the server is closing just then would be lost. */
const IDLE_MS = 4_000;
const agent = new http.Agent({ keepAlive: true, maxSockets: 128, timeout: IDLE_MS });

/**
 * One HTTP exchange exactly as written: no header but Host, Content-Length and those given; given up after `timeoutMs` of silence.
 * Answers {status, headers, text, body}; `body` is the JSON, undefined when there is none. Fails when an API answers what its document does not say.
 */
export function exchange(origin, method, path, { headers = {}, body, timeoutMs = CALL_TIMEOUT_MS } = {}) {
  return new Promise((resolve, reject) => {
    const bytes = body === undefined ? undefined : Buffer.from(body);
    const request = http.request(`${origin}`, {
      method,
      path,
      agent,
      timeout: timeoutMs,
      headers: { ...headers, ...(bytes === undefined ? {} : { 'content-length': bytes.length }) },
    });
    request.once('timeout', () => request.destroy(new Error(`${method} ${path}: no answer in ${timeoutMs} ms`)));
    request.once('error', reject);
    request.once('response', (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.once('error', reject);
      answer.once('end', () => {
        const text = Buffer.concat(parts).toString();
        const made = { status: answer.statusCode, headers: answer.headers, text, body: parsed(text) };
        const complaint = brokenPromise(method, path, made);
        if (complaint === null) resolve(made);
        else reject(new Error(`${method} ${path} answers ${made.status} otherwise than openapi.json says: ${complaint}`));
      });
    });
    request.end(bytes);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A refusal of the API: {status, code}, and the whole `problem`. */
export class Refused extends Error {
  constructor(method, path, answer) {
    super(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 500)}`);
    this.status = answer.status;
    this.code = answer.body?.code;
    Object.defineProperty(this, 'problem', { value: answer.body, enumerable: false });
  }
}
