import { groups as closing } from './closing.js';
import { groups as framing } from './framing.js';
import { groups as utf8 } from './utf8.js';

/** Every row of the core, by group: {name, send, hear, chop, gate}. */
export const groups = Object.fromEntries(
  Object.entries({ ...framing, ...utf8, ...closing }).map(([title, rows]) => [
    title,
    rows.map(([name, send, hear, chop = 'together', gate = 'usual']) => ({ name, send, hear, chop, gate })),
  ]),
);
