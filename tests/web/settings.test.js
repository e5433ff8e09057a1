import assert from 'node:assert/strict';
import { test } from '../flow/harness/index.js';
import { assertNoComplaints, twoPeople, visit } from './people.js';

test('a changed name and a few words about oneself are there after a reload', async (t) => {
  const { ada } = await twoPeople(t);
  await ada.the('settings').click();
  await ada.until(async () => (await ada.the('profile-name').inputValue()) === 'Ada', 'the present name');
  assert.ok(await ada.the('save-profile').isDisabled(), 'nothing to save yet');
  await ada.the('profile-name').fill('Ada Lovelace');
  await ada.the('profile-about').fill('<b>Writes</b> programs.');
  await ada.the('add-field').click();
  await ada.the('profile-field').locator('input').nth(0).fill('City');
  await ada.the('profile-field').locator('input').nth(1).fill('London');
  await ada.the('save-profile').click();
  await ada.until(async () => (await ada.the('toasts').innerText()).includes('saved'), 'the word that it is saved');
  await ada.page.keyboard.press('Escape');
  assert.match(await ada.the('settings').innerText(), /Ada Lovelace/);
  await ada.page.reload();
  await ada.the('settings').click();
  await ada.until(async () => (await ada.the('profile-about').inputValue()) === '<b>Writes</b> programs.', 'the words');
  assert.equal(await ada.the('profile-field').locator('input').nth(1).inputValue(), 'London');
  assertNoComplaints(ada);
});

test('a profile that another device has changed meanwhile is shown as it is, and not overwritten', async (t) => {
  const { ada, number } = await twoPeople(t);
  const phone = await visit(t, 1);
  await phone.logIn(`ada.${number}`);
  for (const device of [ada, phone]) {
    await device.the('settings').click();
    await device.until(async () => (await device.the('profile-name').inputValue()) === 'Ada', 'the present name');
  }
  await phone.the('profile-name').fill('Countess');
  await phone.the('save-profile').click();
  await phone.until(async () => (await phone.the('toasts').innerText()).includes('saved'), 'the word that it is saved');
  await ada.the('profile-name').fill('Augusta');
  await ada.the('save-profile').click();
  await ada.until(async () => (await ada.the('profile-name').inputValue()) === 'Countess', 'the name of the other device');
  assert.match(await ada.the('profile-form').innerText(), /another device/);
});

test('a wrong old password is refused at its form, a right one ends all other devices', async (t) => {
  const { ada, number } = await twoPeople(t);
  const phone = await visit(t, 1);
  await phone.logIn(`ada.${number}`);
  await ada.the('settings').click();
  await ada.the('tab-account').click();
  await ada.the('old-password').fill('something else');
  await ada.the('new-password').fill('battery staple');
  await ada.the('change-password').click();
  await ada.the('password-error').waitFor();
  await ada.the('old-password').fill('correct horse');
  await ada.the('change-password').click();
  await ada.until(async () => (await ada.the('toasts').innerText()).includes('Password changed'), 'the word that it is changed');
  await phone.the('login-form').waitFor();
  await phone.the('login').fill(`ada.${number}`);
  await phone.the('password').fill('battery staple');
  await phone.the('submit').click();
  await phone.the('chat-list').waitFor();
});

test('the devices that one is signed in on are listed, and ended one by one or all at once', async (t) => {
  const { ada, number } = await twoPeople(t);
  const [phone, tablet, desk] = await Promise.all([visit(t, 1), visit(t, 0), visit(t, 1)]);
  for (const device of [phone, tablet, desk]) await device.logIn(`ada.${number}`);
  await ada.the('settings').click();
  await ada.the('tab-devices').click();
  await ada.until(async () => (await ada.the('session').count()) === 4, 'four devices');
  assert.match(await ada.the('session').first().innerText(), /Chrome on Linux\s+This device/);
  await ada.the('end-session').first().click();
  await ada.until(async () => (await ada.the('session').count()) === 3, 'three devices');
  await ada.until(async () => (await desk.the('login-form').count()) === 1, 'the form on the device that was ended');
  await ada.the('end-others').click();
  await ada.the('sure').click();
  await ada.until(async () => (await ada.the('session').count()) === 1, 'this device alone');
  for (const device of [phone, tablet]) await device.the('login-form').waitFor();
  assert.ok(await ada.the('sessions').isVisible(), 'this one goes on');
});
