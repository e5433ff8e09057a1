import fs from 'node:fs';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { ROOT } from './folders.js';

let library = null;

function compiled(folder) {
  library ??= path.join(folder, 'wrong_clock.so');
  if (!fs.existsSync(library))
    execFileSync('cc', ['-shared', '-fPIC', '-O1', '-D_GNU_SOURCE', '-o', library, path.join(ROOT, 'tests', 'flow', 'harness', 'wrong_clock.c')]);
  return library;
}

/** The wall clock of one program, which may be set while it runs (wrong_clock.c). `env` belongs to the program. */
export class Clock {
  constructor(name, folder) {
    this.file = path.join(folder, `clock-${name}`);
    this.set(0);
    this.env = { LD_PRELOAD: compiled(folder), WRONG_CLOCK_FILE: this.file };
  }

  /** Wrong by so many seconds from now on; 0: right. */
  set(seconds) {
    const fd = fs.openSync(this.file, fs.constants.O_RDWR | fs.constants.O_CREAT);
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(seconds));
    fs.writeSync(fd, bytes, 0, 8, 0);
    fs.closeSync(fd);
  }
}
