// The admin page in a browser.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Alone } from '../flow/harness/alone.js';
import { Wire } from '../flow/harness/wire.js';
import { Visitor } from './browser.js';

const CONFIG = {
  admin: { enabled: true, password: 'tea' },
  client: { insecure: true },
  channel: { without_namespace: { presence: true, history_size: 10, history_ttl: '60s' } },
};

async function visit(t, options) {
  const gateway = await Alone.start(t, CONFIG);
  const visitor = await Visitor.open(t, `${gateway.origin}/admin`, options);
  await visitor.the('login-page').waitFor();
  return { gateway, visitor };
}

async function logIn(visitor, password = 'tea') {
  await visitor.the('password').fill(password);
  await visitor.page.keyboard.press('Enter');
}

async function visitInside(t, options) {
  const { gateway, visitor } = await visit(t, options);
  await logIn(visitor);
  await visitor.the('inside').waitFor();
  return { gateway, visitor };
}

/** A client in `news`: its Wire, and its id. */
async function listen(t, gateway) {
  const wire = await Wire.open(t, gateway);
  wire.send({ id: 1, connect: { token: gateway.token({ sub: 'ada' }) } }, { id: 2, subscribe: { channel: 'news' } });
  await wire.reply(2);
  return { wire, id: (await wire.reply(1)).connect.client };
}

const shows = (visitor, name, text) => visitor.the(name).filter({ hasText: text }).first().waitFor();

async function lookUp(visitor, action, channel) {
  await visitor.the(`tab-${action}`).click();
  await visitor.the('field-channel').fill(channel);
  await visitor.the('run').click();
}

test('a wrong password is said to be wrong, the right one opens, and one can leave', async (t) => {
  const { visitor } = await visit(t);
  await logIn(visitor, 'coffee');
  await shows(visitor, 'login-wrong', 'That is not the password.');
  assert.equal(await visitor.the('password').getAttribute('aria-invalid'), 'true');
  await logIn(visitor);
  await visitor.the('inside').waitFor();
  await visitor.page.reload(); // the cookie is enough
  await visitor.the('inside').waitFor();
  await visitor.the('log-out').click();
  await visitor.the('login-page').waitFor();
  await visitor.page.reload();
  await visitor.the('login-page').waitFor();
  assert.deepEqual(visitor.complaints, []);
});

test('connections appear, hear what is published, are looked up and sent away', async (t) => {
  const { gateway, visitor } = await visitInside(t);
  await shows(visitor, 'tile-connections', /^0$/);
  const { wire, id } = await listen(t, gateway);
  await shows(visitor, 'tile-connections', /^1$/);
  await shows(visitor, 'tile-subscriptions', /^1$/);

  await lookUp(visitor, 'publish', 'news');
  await shows(visitor, 'done', 'Published as number 1');
  const pub = await wire.happened.until(() => wire.happened.list.find(({ push }) => push?.pub), 'publication');
  assert.deepEqual(pub.push.pub.data, { text: 'hello' });

  await lookUp(visitor, 'history', 'news');
  await shows(visitor, 'result', '{"text":"hello"}');
  await lookUp(visitor, 'presence', 'news');
  await shows(visitor, 'result', id);
  await visitor.page.getByRole('button', { name: `Disconnect ${id}` }).click();
  assert.equal((await wire.closed()).code, 3503);
  await shows(visitor, 'tile-connections', /^0$/);
  assert.deepEqual(visitor.complaints, []);
});

test('what cannot be is said beside its field, and what is refused in the answer', async (t) => {
  const { visitor } = await visitInside(t);
  await visitor.the('field-channel').fill('news');
  await visitor.the('field-data').fill('{"text":');
  await visitor.the('run').click();
  await visitor.page.getByText('That is not JSON').waitFor();
  assert.equal(await visitor.the('field-data').getAttribute('aria-invalid'), 'true');
  await lookUp(visitor, 'presence', 'nope:x');
  await shows(visitor, 'failed', 'unknown channel');
  assert.deepEqual(visitor.complaints, []);
});

test('actions are reached and done with the keyboard alone', async (t) => {
  const { gateway, visitor } = await visitInside(t);
  const { wire, id } = await listen(t, gateway);
  const { keyboard } = visitor.page;
  await visitor.the('tab-publish').focus();
  await keyboard.press('End');
  assert.equal(await visitor.the('tab-disconnect').getAttribute('aria-selected'), 'true');
  await keyboard.press('Tab');
  await keyboard.press('ArrowRight'); // from the user to one connection
  await keyboard.press('Tab');
  await keyboard.type(id);
  await keyboard.press('Enter');
  assert.equal((await wire.closed()).code, 3503);
  await shows(visitor, 'done', 'Done');
});

test('what people are called is text, whatever is in it', async (t) => {
  const { gateway, visitor } = await visitInside(t);
  const wire = await Wire.open(t, gateway);
  wire.send({ id: 1, connect: { token: gateway.token({ sub: '<img src=x onerror=alert(1)>' }) } }, { id: 2, subscribe: { channel: 'news' } });
  await wire.reply(2);
  await lookUp(visitor, 'presence', 'news');
  await shows(visitor, 'result', '<img src=x onerror=alert(1)>');
  assert.equal(await visitor.page.locator('img').count(), 0);
  assert.deepEqual(visitor.complaints, []);
});

test('nothing hangs over the edge of a phone', async (t) => {
  const { visitor } = await visitInside(t, { width: 360, height: 740, isPhone: true });
  for (const tab of ['publish', 'history', 'disconnect']) {
    await visitor.the(`tab-${tab}`).click();
    assert.ok(await visitor.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), tab);
  }
});

test('a gateway that is gone is told, and one that is back is shown', async (t) => {
  const { gateway, visitor } = await visitInside(t);
  await shows(visitor, 'live', 'live');
  await gateway.program.stop();
  await shows(visitor, 'live', 'no answer');
  await gateway.program.start();
  await visitor.the('login-page').waitFor(); // its sessions went with it
});
