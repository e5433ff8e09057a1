// bench/run behind the build: which budgets, how many samples, and what becomes of the figures.
import { machine, commit } from './machine.mjs';
import { printTable, store } from './report.mjs';
import { Stage } from './stage.mjs';
import * as P1 from './p1.mjs';
import * as P9 from './p9.mjs';
import * as hang from './hang.mjs';

const BUDGETS = { P1, P9, hang };
const budgetOf = (word) => Object.keys(BUDGETS).find((name) => name.toLowerCase() === word.toLowerCase());

function options(words) {
  const wanted = { names: [], samples: 5, seconds: 3, patience: 20, quick: false, keep: false };
  for (const word of words) {
    const [, name, value] = /^--(samples|seconds|patience)=([0-9]{1,3})$/.exec(word) ?? [];
    if (name) wanted[name] = Number(value);
    else if (word === '--quick') Object.assign(wanted, { quick: true, samples: 1, seconds: 1, patience: 0 });
    else if (word === '--keep') wanted.keep = true;
    else if (budgetOf(word)) wanted.names.push(budgetOf(word));
    else throw new Error(`unknown: ${word} (there are ${Object.keys(BUDGETS).join(', ')}; see bench/run --help)`);
  }
  if (wanted.samples < 1 || wanted.seconds < 1) throw new Error('at least one sample of one second');
  if (wanted.names.length === 0) wanted.names = Object.keys(BUDGETS);
  return wanted;
}

async function measure(name, wanted) {
  const stage = new Stage(wanted);
  const started = new Date().toISOString();
  try {
    const rows = await BUDGETS[name].run(stage, wanted);
    const result = { name, title: BUDGETS[name].title, started, ...commit(), machine: machine(), foreign: stage.foreign() };
    return { ...result, samples: wanted.samples, seconds: wanted.seconds, command: `bench/run ${name}`, rows };
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
