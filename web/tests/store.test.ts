import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChatStore } from '../src/sync/store.js';
import type { ChatsLine } from '../src/sync/types.js';
import { at, chat, deleted, event, exactlyAt, message, orders } from './make.js';

type Line = Extract<ChatsLine, { type: 'chat' }>;
const line = (seq: number, change: Partial<Line> = {}): Line => ({
  type: 'chat',
  room_id: '7',
  last_seq: seq,
  message_no: seq,
  last_message: message(seq),
  ...change,
});

test('lists, lines, events and cursors in any order and twice end in the same chat', () => {
  const news: ((store: ChatStore) => void)[] = [
    (store) => store.applyList([chat(10, 5)], store.mark()),
    (store) => store.applyLine(line(11)),
    (store) => store.applyLine(line(12)),
    (store) => store.applyEvent(event(12)),
    (store) => store.applyCursor('7', { seq: 8, message_no: 8 }, exactlyAt(20)),
  ];
  for (const order of orders(news)) {
    const store = new ChatStore('ada');
    store.applyList([chat(9, 4)], store.mark());
    for (const tell of [...order, ...order]) tell(store);
    assert.equal(store.get('7')?.unread, 4);
    assert.equal(store.get('7')?.lastMessage?.seq, 12);
  }
});

test('a line of a room that is not known yet waits for the list', () => {
  const store = new ChatStore('ada');
  assert.equal(store.applyLine(line(12)), false);
  assert.equal(store.applyLine(line(11)), false);
  store.applyList([chat(10, 10)], store.mark());
  assert.equal(store.get('7')?.lastMessage?.seq, 12);
  assert.equal(store.unread, 2);
});

test('the newest dated cursor wins, also backwards; an undated one only goes forward', () => {
  const store = new ChatStore('ada');
  store.applyList([chat(10, 2)], store.mark());
  store.applyCursor('7', { seq: 9, message_no: 9 }, exactlyAt(1));
  store.applyCursor('7', { seq: 4, message_no: 4 }, exactlyAt(3));
  store.applyCursor('7', { seq: 8, message_no: 8 }, exactlyAt(2));
  assert.equal(store.get('7')?.unread, 6);
  store.applyCursor('7', { seq: 3, message_no: 3 });
  assert.equal(store.get('7')?.unread, 6);
  store.applyCursor('7', { seq: 6, message_no: 6 });
  assert.equal(store.get('7')?.unread, 4);
});

test('an own message moves the own cursor', () => {
  const store = new ChatStore('ada');
  store.applyList([chat(10, 2)], store.mark());
  store.applyLine(line(11, { last_message: message(11, { sender: { id: 'ada', name: 'Ada' } }) }));
  assert.equal(store.unread, 0);
});

test('a cursor moved before an own send does not take it back when it is heard of later', () => {
  const store = new ChatStore('ada');
  store.applyList([chat(10, 2)], store.mark());
  store.applyLine(line(11, { last_message: message(11, { sender: { id: 'ada', name: 'Ada' } }) }));
  store.applyCursor('7', { seq: 4, message_no: 4 }, exactlyAt(10));
  assert.equal(store.unread, 0);
  store.applyCursor('7', { seq: 4, message_no: 4 }, exactlyAt(12));
  assert.equal(store.unread, 7, 'one moved after it does');
  const sent = { ...message(12, { sender: { id: 'ada', name: 'Ada' } }), created_at: '2026-01-01T12:30:00.123Z' };
  store.applyCursor('7', { seq: 2, message_no: 2 }, '2026-01-01T12:30:00.123456Z');
  store.applyLine(line(12, { last_message: sent }));
  assert.equal(store.unread, 10, 'nor does a send of the same millisecond undo a move');
});

test('a list asked for before a removal does not bring the room back', () => {
  const store = new ChatStore('ada');
  store.applyList([chat(10, 10)], store.mark());
  const mark = store.mark();
  store.removed('7', exactlyAt(5));
  store.applyList([chat(10, 10)], mark);
  assert.equal(store.has('7'), false);
  assert.equal(store.added('7', exactlyAt(4)), false, 'older than the removal');
  assert.equal(store.added('7', exactlyAt(6)), true);
  store.applyList([chat(10, 10)], store.mark());
  assert.equal(store.has('7'), true);
  assert.equal(store.removed('7', exactlyAt(5)), false, 'older than the return');
  assert.equal(store.has('7'), true);
});

test('the last message is edited and deleted in place', () => {
  const store = new ChatStore('ada');
  store.applyList([chat(10, 10)], store.mark());
  store.applyEvent(event(11, { kind: 'edit', target_seq: 10, message_no: 10, message: message(10, { text: 'new', version: 2 }) }));
  assert.equal(store.get('7')?.lastMessage?.text, 'new');
  store.applyEvent(event(12, { kind: 'delete', target_seq: 10, message_no: 10, message: deleted(10, 12) }));
  assert.equal(store.get('7')?.lastMessage?.deleted_at, at(12));
  assert.equal(store.unread, 0);
});

test('the latest activity comes first', () => {
  const store = new ChatStore('ada');
  const other = chat(1, 1);
  store.applyList([chat(10, 10), { ...other, room: { ...other.room, id: '8' }, last_message: message(11) }], store.mark());
  assert.deepEqual(store.list().map(({ room }) => room.id), ['8', '7']);
  store.applyLine(line(12));
  assert.deepEqual(store.list().map(({ room }) => room.id), ['7', '8']);
});

test('the newest dated view of a room wins, and a list that was asked for before it does not take it back', () => {
  const store = new ChatStore('ada');
  const before = store.mark();
  store.applyList([chat(3, 3)], before);
  const muted = { notify: { level: 'none' }, archived: false, pinned: true } as const;
  store.applyView('7', muted, exactlyAt(2));
  store.applyView('7', { ...muted, pinned: false }, exactlyAt(1));
  store.applyList([chat(3, 3, { notify: { level: 'all' }, archived: true, pinned: false })], before);
  const { notify, archived, pinned } = store.get('7')!;
  assert.deepEqual({ notify, archived, pinned }, muted);
  store.applyList([chat(3, 3, { ...muted, archived: true })], store.mark());
  assert.deepEqual(store.list(), []);
  assert.equal(store.list(true)[0]?.archived, true);
});

test('pinned rooms stand above those with later activity', () => {
  const store = new ChatStore('ada');
  const old = chat(1, 1);
  const young = chat(9, 9);
  store.applyList([{ ...old, room: { ...old.room, id: '8' }, notify: { level: 'all' }, pinned: true }, young], store.mark());
  assert.deepEqual(store.list().map(({ room }) => room.id), ['8', '7']);
});

test('mentions are what the newest word of the server says, and none once all is read', () => {
  const store = new ChatStore('ada');
  const mark = store.mark();
  store.applyList([chat(10, 4, { mentions: 1 })], mark);
  assert.deepEqual([store.get('7')?.mentions, store.get('7')?.mentioned], [1, true]);
  store.applyCursor('7', { seq: 4, message_no: 4 }, exactlyAt(20), 3);
  store.applyCursor('7', { seq: 4, message_no: 4 }, exactlyAt(19), 2);
  store.applyList([chat(10, 4, { mentions: 1 })], mark);
  assert.equal(store.get('7')?.mentions, 3, 'what was asked for before does not take it back');
  store.applyLine({ type: 'chat', room_id: '7', last_seq: 11, message_no: 11, last_message: message(11), mentions_room: true });
  assert.equal(store.get('7')?.mentions, 4);
  store.applyCursor('7', { seq: 11, message_no: 11 }, exactlyAt(30));
  assert.deepEqual([store.get('7')?.mentions, store.get('7')?.mentioned], [0, false]);
});
