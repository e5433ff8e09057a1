// bench/run behind the build: which budgets, how many samples, and what becomes of the figures.
import fs from 'node:fs';
import path from 'node:path';
import { machine, commit } from './machine.mjs';
import { printTable, store } from './report.mjs';
import { Stage } from './stage.mjs';

const NAMES = ['P1', 'P5', 'P6', 'P8', 'P9', 'P10', 'P11', 'history', 'hang']; // each is a module, loaded when it is asked for: not all need npm's packages
const nameOf = (word) => NAMES.find((name) => name.toLowerCase() === word.toLowerCase());

function options(words) {
  const wanted = { names: [], samples: 5, seconds: 3, patience: 20, quick: false, keep: false, gateway: null, label: null };
  for (const word of words) {
    const [, name, value] = /^--(samples|seconds|patience)=([0-9]{1,3})$/.exec(word) ?? [];
    const [, gateway] = /^--gateway=(.+)$/.exec(word) ?? [];
    const [, label] = /^--label=([\w.-]{1,40})$/.exec(word) ?? [];
    if (name) wanted[name] = Number(value);
    else if (gateway) wanted.gateway = path.resolve(gateway);
    else if (label) wanted.label = label;
    else if (word === '--quick') Object.assign(wanted, { quick: true, samples: 1, seconds: 1, patience: 0 });
    else if (word === '--keep') wanted.keep = true;
    else if (nameOf(word)) wanted.names.push(nameOf(word));
    else throw new Error(`unknown: ${word} (there are ${NAMES.join(', ')}; see bench/run --help)`);
  }
  if (wanted.samples < 1 || wanted.seconds < 1) throw new Error('at least one sample of one second');
  if (wanted.gateway && !wanted.label && !wanted.quick) throw new Error('--gateway needs --label, under which its results are stored');
  if (wanted.label && !wanted.gateway) throw new Error('--label names another gateway: --gateway=FILE');
  if (wanted.gateway) fs.accessSync(wanted.gateway, fs.constants.X_OK);
  if (wanted.names.length === 0) wanted.names = NAMES;
  return wanted;
}

async function measure(name, wanted) {
  const budget = await import(`./${name.toLowerCase()}.mjs`);
  const stage = new Stage(wanted);
  const started = new Date().toISOString();
  try {
    const rows = await budget.run(stage, wanted);
    const label = wanted.label ?? undefined;
    const command = `bench/run ${name}${label ? ` --gateway=… --label=${label}` : ''}`; // a file's name means nothing elsewhere
    const result = { name, label, title: budget.title, started, ...commit(), machine: machine(), foreign: stage.foreign() };
    return { ...result, samples: wanted.samples, seconds: wanted.seconds, command, rows };
  } finally {
    await stage.clear();
  }
}

async function main() {
  const wanted = options(process.argv.slice(2));
  for (const name of wanted.names) {
    const result = await measure(name, wanted);
    printTable(result);
    if (wanted.quick) continue;
    if (result.is_dirty && !wanted.keep) console.log('not stored: the tree has changes that are not committed (--keep stores it all the same)');
    else console.log(`stored: ${store(result)}`);
  }
}

main().catch((error) => {
  console.error(`bench/run: ${error.message}`);
  process.exit(1);
});
