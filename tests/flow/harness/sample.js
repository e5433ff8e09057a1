// A request for each operation of the OpenAPI document that works in a world made for it, and what can be made of that request.
import { nonce } from './person.js';
import { exchange } from './http.js';

/** Ada with a room, a message, another room's worth of people, and another session; and what is Cy's alone. */
export async function settle(chat) {
  const { ada, bob, cy } = await chat.users('ada', 'bob', 'cy');
  const room = await ada.createRoom('tea', { members: [bob] });
  const foreign = await cy.createRoom('secret');
  const other = await ada.signInAgain();
  const sent = await ada.post(room, 'kettle');
  const hidden = await cy.post(foreign, 'nobody must read this');
  const { id } = await ada.call('POST', '/groups', { name: 'tea house', visibility: 'public' });
  await ada.call('PUT', `/groups/${id}/members/${bob.id}`, {});
  const group = await ada.call('POST', `/groups/${id}/topics`, { name: 'green' }, { headers: { 'if-match': '*' } });
  return { ada, bob, cy, room, foreign, other, sent, hidden, group };
}

/** A value that means something here, by the name that the document gives it; else its example. */
function sense(world, name, example) {
  const { ada, bob, room, other, sent, group } = world;
  const known = { user: bob.id, user_id: bob.id, members: [bob.id], sender: ada.id, login: ada.login, password: ada.password, old: ada.password,
    room: room.id, room_id: room.id, seq: sent.seq, reply_to: sent.seq, session: other.session.id, refresh_token: other.tokens.refresh_token, group: group.id, topic: group.topics[0].id, topic_id: group.topics[0].id };
  return known[name] ?? example;
}

/** One operation, asked by Ada. */
export class Sample {
  constructor(world, operation) {
    Object.assign(this, { world, operation, patienceMs: 5_000 });
    this.url = Object.fromEntries(operation.parametersIn('path').map(({ name, example }) => [name, encodeURIComponent(sense(world, name, example ?? 'x'))]));
    this.query = {};
    for (const { name, required, example } of operation.parametersIn('query')) if (required) this.query[name] = encodeURIComponent(example);
    this.body = Object.entries(operation.body?.example ?? {}).map(([name, example]) => [name, JSON.stringify(sense(world, name, example))]);
  }

  async ask({ url = {}, query = {}, body = this.bodyWith(), type = 'application/json' } = {}) {
    const { operation, world } = this;
    const path = operation.address.replace(/\{(\w+)\}/g, (_, name) => ({ ...this.url, ...(this.url.slug && { slug: `s-${nonce()}` }), ...url })[name]);
    const all = Object.entries({ ...this.query, ...query }).map(([name, value]) => `${name}=${value}`).join('&');
    const headers = { ...(operation.isPublic ? {} : { authorization: `Bearer ${world.ada.tokens.access_token}` }), 'if-match': '*', ...(body === undefined ? {} : { 'content-type': type }) };
    const { origin } = world.ada.chat.servers.apis[0];
    return exchange(origin, operation.method, `${path}${all && `?${all}`}`, { headers, body, timeoutMs: this.patienceMs });
  }

  /** The example with one member replaced, as text: `raw` is what stands for it. Members that may stand once are made new. */
  bodyWith(name, raw) {
    if (this.operation.bodySchema === undefined) return undefined;
    const fresh = { ...(this.operation.id === 'register' && { login: () => `fuzz.${nonce()}` }), nonce, email: () => `${nonce()}@example.org`, slug: () => `s-${nonce()}` };
    const members = new Map(this.body.map(([member, value]) => [member, fresh[member] ? JSON.stringify(fresh[member]()) : value]));
    if (name !== undefined) members.set(name, raw);
    return `{${[...members].map(([member, value]) => `${JSON.stringify(member)}:${value}`).join(',')}}`;
  }
}
