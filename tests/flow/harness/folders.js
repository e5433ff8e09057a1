import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const BIN = path.resolve(process.env.PARLEY_BIN ?? path.join(ROOT, 'build', 'bin'));

/** Logs of all that runs stay here, one folder per test file; they are replaced by the next run. */
export const LOGS = path.resolve(process.env.PARLEY_TEST_LOGS ?? path.join(ROOT, 'build', 'flow'));

const PREFIX = path.join(os.tmpdir(), 'parley-flow-');

/**
 * A folder for servers' data that ends with this process. Short and outside the checkout, since the
 * user who runs PostgreSQL must be able to enter it and a socket's address holds 107 bytes.
 */
export function dataFolder() {
  const folder = fs.mkdtempSync(PREFIX);
  fs.chmodSync(folder, 0o711);
  fs.writeFileSync(path.join(folder, 'owner'), `${process.pid}`);
  return folder;
}

/** Folders whose owner was killed before it could clean up. */
export function orphanedFolders() {
  const parent = path.dirname(PREFIX);
  const names = fs.readdirSync(parent).filter((name) => name.startsWith(path.basename(PREFIX)));
  return names.map((name) => path.join(parent, name)).filter((folder) => !ownerLives(folder));
}

function ownerLives(folder) {
  if (Date.now() - fs.statSync(folder).mtimeMs < 5_000) return true; // it may be about to say who it belongs to
  try {
    const command = fs.readFileSync(`/proc/${fs.readFileSync(path.join(folder, 'owner'), 'utf8')}/cmdline`, 'utf8');
    return command.includes('node');
  } catch {
    return false;
  }
}

let logs = null;

/** The folder for logs of the test file that this process runs, empty at first. */
export function logFolder() {
  return (logs ??= emptyLogFolder());
}

function emptyLogFolder() {
  const folder = path.join(LOGS, path.basename(process.argv[1] ?? 'flow').replace(/(\.test)?\.js$/, ''));
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  return folder;
}
