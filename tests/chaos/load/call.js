import { exchange } from '../../flow/harness/http.js';
import { pause } from './pause.js';

/** A call without an answer for so long has an unknown outcome, and is made again. */
const CALL_TIMEOUT_MS = 3_000;
const FIRST_PAUSE_MS = 30;
const LONGEST_PAUSE_MS = 500;

/** One call with the person's token, through one API: {status, body}; throws when there is no answer. */
export function call(person, api, method, path, body) {
  return exchange(person.chat.servers.apis[api].origin, method, `/v1${path}`, {
    timeoutMs: CALL_TIMEOUT_MS,
    headers: { authorization: `Bearer ${person.tokens.access_token}`, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  });
}

/**
 * What a good client does: calls again, through the next API, until it knows the outcome: {status, body, api, attempts}. null after
 * `patienceMs`. `pinned`: through this one API, whatever happens.
 */
export async function callUntilKnown(person, method, path, body, { pinned, patienceMs = 90_000 } = {}) {
  const count = person.chat.servers.apis.length;
  const end = Date.now() + patienceMs;
  for (let attempts = 1, wait = FIRST_PAUSE_MS; ; attempts++) {
    const api = pinned ?? person.api;
    const answer = await call(person, api, method, path, body).catch(() => null);
    if (answer && answer.status < 500 && answer.status !== 429) return { ...answer, api, attempts };
    if (Date.now() > end) return null;
    person.api = (person.api + 1) % count;
    await pause(wait);
    wait = Math.min(wait * 2, LONGEST_PAUSE_MS);
  }
}

export const isGood = (answer) => answer !== null && answer.status >= 200 && answer.status < 300;
