import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markedParts, textParts } from '../src/composables/text.js';

const people = { myId: '1', mine: 'ada', has: (login: string) => login === 'bob' };

test('web addresses become links and people who are there are mentions; nothing else is anything', () => {
  const text = 'see https://example.org/a?b=c, @bob and @Ada: not me@bob, @nobody or javascript:alert(1)';
  const marks = textParts(text, people).filter(({ href, mention }) => href ?? mention);
  assert.deepEqual(marks, [
    { text: 'https://example.org/a?b=c', href: 'https://example.org/a?b=c' },
    { text: '@bob', mention: 'other' },
    { text: '@Ada', mention: 'me' },
  ]);
  assert.equal(textParts(text, people).map((part) => part.text).join(''), text);
});

test('the point behind a name is no part of it', () => {
  assert.deepEqual(textParts('ask @bob.', people).at(-1), { text: '.' });
});

test('hits are marked and nothing of the text is lost, even where hits make no sense', () => {
  const text = 'the kettle is on';
  assert.deepEqual(markedParts(text, [[4, 10], [14, 16]]).filter(({ isHit }) => isHit).map((part) => part.text), ['kettle', 'on']);
  for (const hits of [[], [[0, 99]], [[5, 3]], [[4, 10], [6, 8]]] as [number, number][][])
    assert.equal(markedParts(text, hits).map((part) => part.text).join(''), text);
});
