import assert from 'node:assert/strict';
import { chat, configure, exchange, nonce, raw, running, test } from './harness/index.js';

configure({ gateways: 1, apis: 1, api: { PARLEY_HTTP_BODY_MAX_BYTES: '65536' } });

const json = 'application/json';

async function people(t) {
  const { ada } = await chat(t).users('ada');
  return { ada, room: await ada.createRoom('tea') };
}

/** One request as it is; `body` a text, a Buffer or nothing. */
async function send(person, method, path, body, headers = {}) {
  const { apis } = await running();
  const own = person ? { authorization: `Bearer ${person.tokens.access_token}` } : {};
  const type = body === undefined ? {} : { 'content-type': json };
  return exchange(apis[0].origin, method, path, { headers: { ...own, ...type, ...headers }, body });
}

/** A problem document as RFC 9457 and the API's contract have it. */
function assertProblem(answer, status, code, label) {
  assert.deepEqual([answer.status, answer.body?.code], [status, code], `${label}: ${answer.text.slice(0, 300)}`);
  assert.match(answer.headers['content-type'], /^application\/problem\+json/, label);
  assert.equal(answer.body.status, status, label);
  for (const member of ['type', 'title', 'request_id']) assert.equal(typeof answer.body[member], 'string', `${label}: ${member}`);
}

async function assertNothingChanged(ada, room) {
  assert.deepEqual((await ada.log(room)).map(({ kind }) => kind), ['room', 'join']);
  assert.deepEqual((await ada.chats()).map(({ room: { id } }) => id), [room.id]);
}

test('a body that is no JSON object is refused, and nothing changes', async (t) => {
  const { ada, room } = await people(t);
  const bodies = {
    bad_json: ['{', '{"text":"a","nonce":"b"', '{"text":"a" "nonce":"b"}', "{'text':'a'}", '{"text":"a","nonce":"b",}', 'text=a&nonce=b',
      '{"text":"a","nonce":"b"}}', '{"text":"a","nonce":"b"}{}', '{"text":tru,"nonce":"b"}', '{"text":"a\nb","nonce":"b"}', '{"text":"\\x","nonce":"b"}',
      '{"text":01,"nonce":"b"}', '\ufeff{"text":"a","nonce":"b"}', '{"text":"a","nonce":"b","x":' + '['.repeat(30_000), ''],
    bad_text: ['{"text":"\\u0000","nonce":"b"}', '{"text":"\\ud800","nonce":"b"}', '{"text":"\\udc00\\ud800","nonce":"b"}',
      Buffer.from('{"text":"\xff\xfe","nonce":"b"}', 'latin1'), Buffer.from('{"text":"\xc0\xaf","nonce":"b"}', 'latin1'),
      Buffer.from('{"text":"\xed\xa0\x80","nonce":"b"}', 'latin1')],
  };
  for (const [code, list] of Object.entries(bodies))
    for (const body of list) {
      const answer = await send(ada, 'POST', `/v1/rooms/${room.id}/messages`, body);
      const label = JSON.stringify(body.toString('latin1').slice(0, 60));
      assert.equal(answer.status, 400, `${label}: ${answer.text.slice(0, 200)}`);
      assert.ok([code, 'bad_json', 'bad_text', ...(body === '' ? ['missing'] : [])].includes(answer.body.code), `${label}: ${answer.text.slice(0, 200)}`);
    }
  for (const body of ['[]', '"text"', '5', 'null', 'true']) {
    const answer = await send(ada, 'POST', `/v1/rooms/${room.id}/messages`, body);
    assert.equal(answer.status, 400, body);
    assert.ok(['bad_json', 'wrong_type', 'invalid'].includes(answer.body.code), `${body}: ${answer.text}`);
  }
  await assertNothingChanged(ada, room);
});

test('every wrong member is named, with its own code', async (t) => {
  const { ada, room } = await people(t);
  const messages = `/v1/rooms/${room.id}/messages`;
  const cases = [
    ['POST', messages, { nonce: 'x' }, 'missing', 'text'],
    ['POST', messages, { text: 'x' }, 'missing', 'nonce'],
    ['POST', messages, { text: null, nonce: 'x' }, 'missing', 'text'],
    ['POST', messages, { text: 5, nonce: 'x' }, 'wrong_type', 'text'],
    ['POST', messages, { text: ['x'], nonce: 'x' }, 'wrong_type', 'text'],
    ['POST', messages, { text: { a: 1 }, nonce: 'x' }, 'wrong_type', 'text'],
    ['POST', messages, { text: 'x', nonce: 5 }, 'wrong_type', 'nonce'],
    ['POST', messages, { text: '', nonce: 'x' }, 'out_of_range', 'text'],
    ['POST', messages, { text: 'x', nonce: '' }, 'out_of_range', 'nonce'],
    ['POST', messages, { text: 'x', nonce: 'n'.repeat(65) }, 'out_of_range', 'nonce'],
    ['POST', messages, { text: 'x'.repeat(16_385), nonce: 'x' }, 'out_of_range', 'text'],
    ['POST', messages, { text: '🫖'.repeat(4_097), nonce: 'x' }, 'out_of_range', 'text'],
    ['POST', messages, { text: 'x', nonce: 'x', txet: 'x' }, 'unknown_field', 'txet'],
    ['POST', '/v1/rooms', { kind: 'castle', name: 'x' }, 'out_of_range', 'kind'],
    ['POST', '/v1/rooms', { kind: 'private' }, 'missing', 'name'],
    ['POST', '/v1/rooms', { kind: 'private', name: '' }, 'out_of_range', 'name'],
    ['POST', '/v1/rooms', { kind: 'private', name: 'x'.repeat(101) }, 'out_of_range', 'name'],
    ['POST', '/v1/rooms', { kind: 'private', name: 'x', members: 'ada' }, 'wrong_type', 'members'],
    ['POST', '/v1/rooms', { kind: 'private', name: 'x', members: [5] }, 'wrong_type', 'members'],
    ['PUT', `/v1/rooms/${room.id}/cursor`, {}, 'missing', 'seq'],
    ['PUT', `/v1/rooms/${room.id}/cursor`, { seq: '1' }, 'wrong_type', 'seq'],
    ['PUT', `/v1/rooms/${room.id}/cursor`, { seq: 1.5 }, 'wrong_type', 'seq'],
    ['PUT', `/v1/rooms/${room.id}/cursor`, { seq: -1 }, 'out_of_range', 'seq'],
    ['PUT', `/v1/rooms/${room.id}/cursor`, { seq: 1, force: 'yes' }, 'wrong_type', 'force'],
    ['POST', '/v1/rooms/direct', { user_id: 7 }, 'wrong_type', 'user_id'],
    ['POST', '/v1/users', { login: 'Ada', password: 'correct horse', name: 'Ada' }, null, 'login'],
    ['POST', '/v1/users', { login: 'a', password: 'correct horse', name: 'Ada' }, 'out_of_range', 'login'],
    ['POST', '/v1/users', { login: 'a'.repeat(33), password: 'correct horse', name: 'Ada' }, 'out_of_range', 'login'],
    ['POST', '/v1/users', { login: 'a b', password: 'correct horse', name: 'Ada' }, null, 'login'],
    ['POST', '/v1/users', { login: 'new.one', password: 'short', name: 'Ada' }, 'out_of_range', 'password'],
    ['POST', '/v1/users', { login: 'new.one', password: 'x'.repeat(129), name: 'Ada' }, 'out_of_range', 'password'],
    ['POST', '/v1/users', { login: 'new.one', password: 'correct horse', name: '' }, 'out_of_range', 'name'],
    ['POST', '/v1/users', { login: 'new.one', password: 'correct horse', name: 'x'.repeat(101) }, 'out_of_range', 'name'],
    ['POST', '/v1/users', { login: 'new.one', password: 'correct horse' }, 'missing', 'name'],
  ];
  for (const [method, path, body, code, field] of cases) {
    const answer = await send(ada, method, path, JSON.stringify(body));
    const label = `${method} ${path} ${JSON.stringify(body).slice(0, 80)}`;
    assertProblem(answer, 400, code ?? answer.body?.code, label);
    assert.equal(answer.body.errors?.[0]?.field, field, `${label}: ${answer.text.slice(0, 300)}`);
    assert.ok(answer.body.errors[0].code, label);
  }
  const longest = await send(ada, 'POST', messages, JSON.stringify({ text: 'x'.repeat(16_384), nonce: 'n'.repeat(64) }));
  assert.equal(longest.status, 201, 'the limits themselves are allowed');
});

test('a member given twice is refused', async (t) => {
  const { ada, room } = await people(t);
  const answer = await send(ada, 'POST', `/v1/rooms/${room.id}/messages`, '{"text":"a","nonce":"n","text":"b"}');
  assert.equal(answer.status, 400, answer.text);
  const escaped = await send(ada, 'POST', `/v1/rooms/${room.id}/messages`, '{"text":"a","nonce":"n","te\\u0078t":"b"}');
  assert.equal(escaped.status, 400, escaped.text);
  await assertNothingChanged(ada, room);
});

test('a body above the limit is 413, said before all of it has come', async (t) => {
  const { ada, room } = await people(t);
  const { apis } = await running();
  const big = JSON.stringify({ text: 'x'.repeat(100_000), nonce: 'x' });
  assertProblem(await send(ada, 'POST', `/v1/rooms/${room.id}/messages`, big), 413, 'too_large', 'whole body');
  const announced = await raw(apis[0].port,
    `POST /v1/rooms/${room.id}/messages HTTP/1.1\r\nHost: x\r\nContent-Type: ${json}\r\nAuthorization: Bearer ${ada.tokens.access_token}\r\n` +
    'Content-Length: 99999999999\r\n\r\n{"text":', { until: /\r\n\r\n/ });
  assert.match(announced, /^HTTP\/1\.1 4(13|00)/);
  await assertNothingChanged(ada, room);
});

test('a wrong method is 405 with the right ones, an unknown path is 404', async (t) => {
  const { ada, room } = await people(t);
  const wrong = [
    ['PUT', '/v1/rooms', ['GET', 'POST']], ['DELETE', '/v1/rooms', ['GET', 'POST']], ['PUT', `/v1/rooms/${room.id}/messages`, ['GET', 'POST']],
    ['GET', '/v1/sessions/refresh', ['POST']], ['BREW', '/v1/rooms', ['GET', 'POST']],
  ];
  for (const [method, path, allowed] of wrong) {
    const answer = await send(ada, method, path, method === 'GET' ? undefined : '{}').catch((error) => ({ error }));
    if (method === 'BREW' && answer.error) continue; // node's own client may refuse it
    assertProblem(answer, 405, 'method_not_allowed', `${method} ${path}`);
    const allow = answer.headers.allow.split(/, */);
    for (const name of allowed) assert.ok(allow.includes(name), `${method} ${path}: Allow: ${answer.headers.allow}`);
  }
  const unknown = ['/v1', '/v1/', '/v1/castles', `/v1/rooms/${room.id}/castles`, '/v1/rooms/', '/v2/rooms', '/v1/rooms/1/messages/1/2/3',
    '/v1/%00', '/v1/%ff', '/v1/..%2f..%2fetc%2fpasswd', '/v1/' + 'x'.repeat(2_000)];
  for (const path of unknown) {
    const answer = await send(ada, 'GET', path);
    assert.ok(answer.status === 404 || answer.status === 400, `${path}: ${answer.status}`);
    if (path.startsWith('/v1/') && answer.status === 404) assertProblem(answer, 404, 'not_found', path);
  }
});

test('a content type or an encoding that is not JSON in the clear is 415', async (t) => {
  const { ada, room } = await people(t);
  const path = `/v1/rooms/${room.id}/messages`;
  const body = JSON.stringify({ text: 'x', nonce: 'x' });
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonx'])
    assertProblem(await send(ada, 'POST', path, body, { 'content-type': type }), 415, 'bad_media_type', type);
  for (const encoding of ['gzip', 'br', 'nonsense'])
    assertProblem(await send(ada, 'POST', path, body, { 'content-encoding': encoding }), 415, 'bad_media_type', encoding);
  await assertNothingChanged(ada, room);
  const fine = ['application/json; charset=utf-8', 'Application/JSON'];
  for (const type of fine)
    assert.equal((await send(ada, 'POST', path, JSON.stringify({ text: 'x', nonce: nonce() }), { 'content-type': type })).status, 201, type);
});

test('a token in the address is refused, whoever it belongs to', async (t) => {
  const { ada, room } = await people(t);
  for (const name of ['token', 'access_token'])
    assertProblem(await send(ada, 'GET', `/v1/rooms?${name}=${ada.tokens.access_token}`), 400, 'secret_in_url', name);
  const answer = await send(null, 'GET', `/v1/rooms/${room.id}?access_token=${ada.tokens.access_token}`);
  assert.equal(answer.status, 400);
});

test('a page of another site changes nothing', async (t) => {
  const { ada, room } = await people(t);
  const body = JSON.stringify({ text: 'x', nonce: 'x' });
  const foreign = [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }, { origin: 'null' },
    { origin: 'http://127.0.0.1.evil.example' }, { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }];
  for (const headers of foreign) {
    const answer = await send(ada, 'POST', `/v1/rooms/${room.id}/messages`, body, headers);
    assertProblem(answer, 403, 'cross_site', JSON.stringify(headers));
    assert.equal(answer.headers['access-control-allow-origin'], undefined);
  }
  await assertNothingChanged(ada, room);
  const own = { origin: 'http://127.0.0.1:5173', 'sec-fetch-site': 'same-site' };
  assert.equal((await send(ada, 'POST', `/v1/rooms/${room.id}/messages`, body, own)).status, 201, 'the own host at any port is the own page');
});

test('queries with unknown members are refused by name', async (t) => {
  const { ada, room } = await people(t);
  for (const query of ['befor=5', 'limit=5&x=1', 'Limit=5', 'limit=5&LIMIT=6'])
    assertProblem(await send(ada, 'GET', `/v1/rooms/${room.id}/messages?${query}`), 400, 'unknown_parameter', query);
});

test('requests that are no HTTP end their connection, and only theirs', async (t) => {
  const { ada, room } = await people(t);
  const { apis, gateways } = await running();
  const nonsense = [
    'hello\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'GET /v1/rooms\r\n\r\n', 'GET  HTTP/1.1\r\n\r\n', '\x00\x00\x00\x00\r\n\r\n',
    'POST /v1/rooms HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n', 'POST /v1/rooms HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
    'POST /v1/rooms HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', `GET /v1/rooms HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(200_000)}\r\n\r\n`,
  ];
  for (const { port } of [apis[0], gateways[0]])
    for (const text of nonsense) {
      const answer = await raw(port, Buffer.from(text, 'latin1'), { until: /\r\n\r\n/ }).catch(({ code }) => code);
      assert.doesNotMatch(answer, /^HTTP\/1\.1 [25]/, JSON.stringify(text.slice(0, 60)));
    }
  await assertNothingChanged(ada, room);
});

test('no problem document tells of the inside', async (t) => {
  const { ada } = await people(t);
  for (const path of ['/v1/rooms/x', '/v1/castles', '/v1/rooms?limit=x'])
    assert.doesNotMatch((await send(ada, 'GET', path)).text, /postgres|SELECT|\.c:|redis|lane_/i);
});

test('no secret and no message body is in any log', async (t) => {
  const { ada, room } = await people(t);
  const servers = await running();
  const body = `unheard-of ${nonce()}`;
  await ada.post(room, body);
  await ada.signInAgain();
  await send(ada, 'GET', `/v1/rooms?token=${ada.tokens.access_token}`);
  await send(ada, 'POST', `/v1/rooms/${room.id}/messages`, `{"text":"${body}"`);
  const device = await ada.connect({ rooms: [room] });
  await device.rpc('messages.send', { room: room.id, text: body, nonce: nonce() });
  for (const program of servers.programs) {
    const log = program.tail(1e6);
    for (const secret of [body, ada.password, ada.tokens.access_token, ada.tokens.refresh_token, servers.tokenSecret])
      assert.ok(!log.includes(secret), `${program.name} logged a secret`);
  }
});
