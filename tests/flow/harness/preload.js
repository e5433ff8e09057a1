import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { ROOT } from './folders.js';

/** Compiles a library of this folder (NAME.c) into `folder`, for LD_PRELOAD; answers its path. */
export function compilePreload(name, folder) {
  const library = path.join(folder, `${name}.so`);
  const source = path.join(ROOT, 'tests', 'flow', 'harness', `${name}.c`);
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-D_GNU_SOURCE', '-o', library, source, '-ldl']);
  return library;
}
