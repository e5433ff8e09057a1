// /docs: the API's document to read, served by the API itself.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { chat, configure, exchange, running, test } from '../flow/harness/index.js';
import { ROOT } from '../flow/harness/folders.js';
import { Visitor } from './browser.js';

const PAGE = process.env.PARLEY_WEB_DIR ?? path.join(ROOT, 'web', 'dist');
if (!fs.existsSync(path.join(PAGE, 'docs', 'index.html'))) throw new Error(`no page in ${PAGE}: build web/ first, or set PARLEY_WEB_DIR`);

configure({ apis: 1, gateways: 0, api: { PARLEY_HTTP_WEB_DIR: PAGE } });

/** At /docs; `asked` are the addresses that the page asked for, `violations` what its policy forbade. */
async function open(t) {
  const { apis } = await running();
  const visitor = await Visitor.open(t, 'about:blank');
  const asked = [];
  const violations = [];
  visitor.page.on('request', (request) => asked.push(request.url()));
  await visitor.page.exposeFunction('onViolation', (what) => violations.push(what));
  await visitor.page.addInitScript(() =>
    document.addEventListener('securitypolicyviolation', (event) => window.onViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`)));
  await visitor.page.goto(`${apis[0].origin}/docs`);
  await visitor.page.locator('.opblock-tag-section').first().waitFor();
  return { visitor, asked, violations, origin: apis[0].origin };
}

test('the page shows what the API can do, asks no other host, and keeps to its policy', async (t) => {
  const { visitor, asked, violations, origin } = await open(t);
  const send = visitor.page.locator('#operations-Messages-sendMessage');
  await send.locator('button.opblock-summary-control').click();
  await send.getByText('A 2xx means stored, once and for good').waitFor();
  await send.getByText('nonce_reused').first().waitFor();
  const { paths } = JSON.parse((await exchange(origin, 'GET', '/v1/openapi.json')).text);
  const operations = Object.values(paths).reduce((sum, methods) => sum + Object.keys(methods).filter((name) => name !== 'parameters').length, 0);
  assert.equal(await visitor.page.locator('.opblock').count(), operations);
  if (process.env.PARLEY_SCREENSHOT) await visitor.page.screenshot({ path: process.env.PARLEY_SCREENSHOT, fullPage: false });
  assert.deepEqual(asked.filter((url) => !url.startsWith(`${origin}/`) && !url.startsWith('data:')), []);
  assert.deepEqual(violations, []);
  assert.deepEqual(visitor.complaints, []);
});

test('an operation can be tried out there, with a token', async (t) => {
  const { visitor, violations } = await open(t);
  const { ada } = await chat(t).users('ada');
  await visitor.page.locator('button.authorize').click();
  await visitor.page.locator('.dialog-ux input').fill(ada.tokens.access_token);
  await visitor.page.locator('.dialog-ux button.authorize').click();
  await visitor.page.locator('.dialog-ux button.btn-done').click();
  const me = visitor.page.locator('#operations-Accounts-getMe');
  await me.locator('button.opblock-summary-control').click();
  await me.locator('button.execute').click();
  await me.locator('.live-responses-table').getByText(ada.login).first().waitFor();
  assert.deepEqual(violations, []);
});

test('the page is served under a policy that lets nothing foreign in, and a folder without an index is the client', async (t) => {
  const { origin } = await open(t);
  const page = await exchange(origin, 'GET', '/docs/');
  assert.match(page.headers['content-security-policy'], /^default-src 'self'; .*style-src 'self'; /);
  assert.doesNotMatch(page.headers['content-security-policy'], /unsafe/);
  assert.match(page.text, /swagger-ui-bundle/);
  assert.doesNotMatch((await exchange(origin, 'GET', '/assets')).text, /swagger-ui-bundle/);
  assert.equal((await exchange(origin, 'GET', '/docs/nothing.js')).status, 404);
});
