// node tests/flow/run.js [FILE ...]: runs flow tests (all of this folder) against one PostgreSQL that they share.
// PARLEY_BIN: folder of the programs (build/bin). PARLEY_TEST_LOGS: where logs stay (build/flow).
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execFileSync } from 'node:child_process';
import { BIN, ROOT, orphanedFolders } from './harness/folders.js';
import { Postgres } from './harness/stores.js';

const FILES_AT_ONCE = 2;
const FILE_TIMEOUT_MS = 240_000;

function testFiles(wanted) {
  if (wanted.length > 0) return wanted.map((file) => path.resolve(file));
  const here = path.dirname(fileURLToPath(import.meta.url));
  return fs.readdirSync(here).filter((name) => name.endsWith('.test.js')).sort().map((name) => path.join(here, name));
}

function removeOrphans() {
  for (const folder of orphanedFolders()) {
    for (const script of ['postgres', 'redis'])
      for (const name of fs.readdirSync(folder).filter((entry) => entry.startsWith(script === 'postgres' ? 'pg' : script)))
        execFileSync(path.join(ROOT, 'deploy', script), ['remove', path.join(folder, name)], { stdio: 'ignore' });
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

for (const program of ['parley', 'parley-api', 'parley-gateway'])
  if (!fs.existsSync(path.join(BIN, program))) {
    process.stderr.write(`flow: no ${path.join(BIN, program)}: build first, or set PARLEY_BIN\n`);
    process.exit(1);
  }
removeOrphans();
const postgres = new Postgres();
await postgres.start();
process.env.PARLEY_TEST_POSTGRES = postgres.address;

const tests = run({ files: testFiles(process.argv.slice(2)), concurrency: FILES_AT_ONCE, timeout: FILE_TIMEOUT_MS });
tests.on('test:fail', () => (process.exitCode = 1));
tests.compose(new spec()).pipe(process.stdout);
