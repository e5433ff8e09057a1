import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Statuses } from '../src/sync/status.js';
import type { Socket } from '../src/sync/socket.js';
import { ChatStore } from '../src/sync/store.js';
import { at, chat } from './make.js';

/** A socket whose channels say what the test says. */
function fakeSocket() {
  const open = new Map<string, Map<string, (context: unknown) => void>>();
  const socket = {
    open(name: string) {
      const listeners = new Map<string, (context: unknown) => void>();
      open.set(name, listeners);
      return {
        on: (what: string, listener: (context: unknown) => void) => listeners.set(what, listener),
        subscribe: () => {},
        close: () => open.delete(name),
      };
    },
  };
  const say = (name: string, what: string, context: unknown) => open.get(name)?.get(what)?.(context);
  return { socket: socket as unknown as Socket, open, say };
}

test('the newest status counts, whether it came with the subscription or later', () => {
  const { socket, say } = fakeSocket();
  const statuses = new Statuses(socket);
  statuses.follow('7');
  say('status:7', 'publication', { data: { type: 'status', user_id: '7', online: true, changed_at: at(2) } });
  say('status:7', 'subscribed', { data: { user_id: '7', online: false, changed_at: at(1) } });
  assert.equal(statuses.get('7')?.online, true);
  say('status:7', 'publication', { data: { type: 'status', user_id: '7', online: false, last_seen_at: at(3), changed_at: at(4) } });
  assert.deepEqual(statuses.get('7'), { user_id: '7', online: false, last_seen_at: at(3), changed_at: at(4) });
});

test('a person is followed as long as somebody shows them, and nothing is known of who hides', () => {
  const { socket, open, say } = fakeSocket();
  const statuses = new Statuses(socket);
  const stops = [statuses.follow('7'), statuses.follow('7')];
  say('status:7', 'subscribed', { data: { user_id: '7', online: true, changed_at: at(1) } });
  stops[0]!();
  stops[0]!();
  assert.equal(open.size, 1);
  say('status:7', 'unsubscribed', { code: 2000 });
  assert.deepEqual(statuses.get('7'), { user_id: '7' });
  stops[1]!();
  assert.equal(open.size, 0);
  assert.equal(statuses.get('7'), undefined);
});

test('a changed profile is shown in the direct room, an older one is not', () => {
  const store = new ChatStore('ada');
  const one = chat(1, 1);
  store.applyList([{ ...one, room: { ...one.room, kind: 'direct', peer: { id: 'bob', login: 'bob', name: 'Bob', version: 2 } } }], store.mark());
  store.applyProfile({ id: 'bob', login: 'bob', name: 'Robert', version: 3 });
  store.applyProfile({ id: 'bob', login: 'bob', name: 'Bobby', version: 1 });
  assert.equal(store.get('7')?.room.peer?.name, 'Robert');
  assert.equal(store.people.get('bob')?.name, 'Robert');
});
