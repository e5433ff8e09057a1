import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slugOf } from '../src/composables/slug.js';

test('Latin letters are spelt out, and only what has no spelling is left out', () => {
  const slugs = {
    'Grüße & Küsse!': 'gruesse-kuesse',
    'Gru\u0308\u00dfe': 'gruesse',
    'Café Été': 'cafe-ete',
    'Łódź – Ærø': 'lodz-aeroe',
    ' tea  time ': 'tea-time',
    'İstanbul': 'istanbul',
    'ﬁne № 1': 'fine-no-1',
    '東京 2': '',
    'x': '',
    '💬💬': '',
  };
  for (const [name, slug] of Object.entries(slugs)) assert.equal(slugOf(name), slug, name);
  assert.equal(slugOf(`${'x'.repeat(63)} y`), 'x'.repeat(63), 'a cut leaves no dash at the end');
});
