import fs from 'node:fs';
import path from 'node:path';
import { compilePreload } from './preload.js';

let library = null;

/** The wall clock of one program, which may be set while it runs (wrong_clock.c). `env` belongs to the program. */
export class Clock {
  constructor(name, folder) {
    this.file = path.join(folder, `clock-${name}`);
    this.set(0);
    this.env = { LD_PRELOAD: (library ??= compilePreload('wrong_clock', folder)), WRONG_CLOCK_FILE: this.file };
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
