import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem, SignedOut } from '../src/sync/problem.js';
import { Tokens } from '../src/sync/tokens.js';

const token = (sub: string, n: number): string => `h.${btoa(JSON.stringify({ sub, n }))}.s`;

/** Answers refreshes with what `next` says and counts them. */
function server(next: (call: number) => Response) {
  let calls = 0;
  globalThis.fetch = async () => next(++calls);
  return { calls: () => calls };
}

const fresh = (sub: string) => (call: number) =>
  new Response(JSON.stringify({ tokens: { access_token: token(sub, call), expires_at: '' } }));

test('all who ask while a refresh is under way share it', async () => {
  const { calls } = server(fresh('ada'));
  const tokens = new Tokens();
  const [a, b] = await Promise.all([tokens.renew(''), tokens.renew('')]);
  assert.equal(a, b);
  assert.equal(calls(), 1);
  assert.equal(await tokens.renew('an older one'), a, 'renewed meanwhile: no other refresh');
  assert.notEqual(await tokens.renew(a), a);
  assert.equal(calls(), 2);
});

test('401 ends the session, anything else is tried again', async () => {
  const tokens = new Tokens();
  let ended = 0;
  tokens.ended.on(() => ended++);
  for (const status of [429, 500, 503]) {
    server(() => new Response('', { status }));
    await assert.rejects(tokens.renew(''), (error) => error instanceof Problem && error.isTemporary);
  }
  globalThis.fetch = () => Promise.reject(new TypeError('no network'));
  await assert.rejects(tokens.renew(''), (error) => error instanceof Problem && error.isTemporary);
  assert.equal(ended, 0);
  server(() => new Response('', { status: 401 }));
  await assert.rejects(tokens.renew(''), SignedOut);
  assert.equal(ended, 1);
});

test("another person's cookie is not taken for one's own session", async () => {
  server((call) => fresh(call === 1 ? 'ada' : 'bob')(call));
  const tokens = new Tokens();
  const mine = await tokens.renew('');
  await assert.rejects(tokens.renew(mine), SignedOut);
  assert.equal(tokens.current, '');
});

test('after signing out nothing is refreshed any more', async () => {
  const { calls } = server(fresh('ada'));
  const tokens = new Tokens();
  const underWay = tokens.renew('');
  tokens.close();
  await assert.rejects(underWay, SignedOut);
  await assert.rejects(tokens.renew(''), SignedOut);
  assert.equal(tokens.current, '');
  assert.equal(calls(), 1);
});
