// bench/run behind the build: which budgets, how many samples, and what becomes of the figures.
import { machine, commit } from './machine.mjs';
import { printTable, store } from './report.mjs';
import { Stage } from './stage.mjs';
import * as P1 from './p1.mjs';
import * as P9 from './p9.mjs';

const BUDGETS = { P1, P9 };

function options(words) {
  const wanted = { names: [], samples: 5, seconds: 3, quick: false, keep: false };
  for (const word of words) {
    const [, name, value] = /^--(samples|seconds)=([1-9][0-9]?)$/.exec(word) ?? [];
    if (name) wanted[name] = Number(value);
    else if (word === '--quick') Object.assign(wanted, { quick: true, samples: 1, seconds: 1 });
    else if (word === '--keep') wanted.keep = true;
    else if (word.toUpperCase() in BUDGETS) wanted.names.push(word.toUpperCase());
    else throw new Error(`unknown: ${word} (there are ${Object.keys(BUDGETS).join(', ')}; see bench/run --help)`);
  }
  if (wanted.names.length === 0) wanted.names = Object.keys(BUDGETS);
  return wanted;
}

async function measure(name, wanted) {
  const stage = new Stage();
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
