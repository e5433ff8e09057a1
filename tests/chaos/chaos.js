// node chaos.js [OPTION...]: see options.js, or tests/chaos/run --help.
import fs from 'node:fs';
import path from 'node:path';
import { Chaos } from './run_chaos.js';
import { Misunderstood, USAGE, parseOptions } from './options.js';
import { makeReport } from './report.js';
import { ROOT } from '../flow/harness/folders.js';

async function main(words) {
  const options = parseOptions(words);
  if (options.help) return process.stdout.write(USAGE);
  const historyFile = path.join(ROOT, 'build', 'chaos', `seed-${options.seed}.jsonl`);
  const chaos = new Chaos(options, { historyFile, say: (line) => process.stdout.write(`${line}\n`) });
  const outcome = await chaos.run();
  const report = makeReport({ options, ...outcome, historyFile: path.relative(process.cwd(), historyFile) });
  process.stdout.write(`\n${report}`);
  if (options.report) fs.writeFileSync(options.report, report);
  const broken = outcome.checks.filter(({ violations }) => violations.length > 0).length;
  process.stdout.write(`\n# pass ${outcome.checks.length - broken}\n# fail ${broken}\n`);
  process.exit(broken > 0 ? 1 : 0);
}

main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`tests/chaos/run: ${error instanceof Misunderstood ? error.message : error.stack}\n`);
  process.exit(2);
});
