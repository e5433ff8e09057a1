import fs from 'node:fs';
import path from 'node:path';
import { BIN } from '../flow/harness/folders.js';
import { NEMESES } from './nemeses/index.js';

export const USAGE = `tests/chaos/run [--minutes N] [--seed N] [--apis N] [--gateways N] [--clients N] [--rooms N]
                [--nemesis NAME,NAME...] [--report FILE]

Starts PostgreSQL, Redis, APIs and gateways of its own, lets clients use them, breaks things, and checks what
was promised. Exit status 1 when a promise was broken; the history file is kept either way.

  --minutes 2     how long things are broken
  --seed N        repeats the schedule of an earlier run (default: a new one, printed)
  --apis 2  --gateways 3  --clients 8  --rooms 4
  --nemesis all   which kinds of trouble:
${NEMESES.map(({ name, what }) => `                    ${name.padEnd(12)}${what}`).join('\n')}
  --report FILE   writes the report there, too
`;

const NUMBERS = { minutes: 2, apis: 2, gateways: 3, clients: 8, rooms: 4, seed: null };

/** An option that cannot be followed; the message is a sentence for whoever gave it. */
export class Misunderstood extends Error {}

/** {minutes, seed, apis, gateways, clients, rooms, nemeses, report, help}; throws a sentence about what it does not understand. */
export function parseOptions(words) {
  const options = { ...NUMBERS, seed: 1 + Math.floor(Math.random() * 1e6), nemeses: NEMESES, report: null, help: false };
  for (let i = 0; i < words.length; i++) {
    const name = words[i].replace(/^--/, '');
    if (name === 'help') options.help = true;
    else if (name in NUMBERS) options[name] = numberOf(name, words[++i]);
    else if (name === 'nemesis') options.nemeses = named(words[++i]);
    else if (name === 'report') options.report = words[++i] ?? fail('--report wants a file');
    else fail(`${words[i]} is no option`);
  }
  if (!options.help && !fs.existsSync(path.join(BIN, 'parley-api'))) fail(`there is no ${path.join(BIN, 'parley-api')}: build first (tests/run flow does), or set PARLEY_BIN`);
  return options;
}

function numberOf(name, word) {
  const number = Number(word);
  const isFine = name === 'minutes' ? number > 0 : Number.isInteger(number) && number > 0;
  return isFine ? number : fail(`--${name} wants a number above 0`);
}

function named(words = '') {
  if (words === 'all') return NEMESES;
  return words.split(',').map((word) => NEMESES.find(({ name }) => name === word) ?? fail(`${word} is no kind of trouble`));
}

function fail(sentence) {
  throw new Misunderstood(`${sentence}; see --help`);
}
