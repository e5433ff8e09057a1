// Where and of what a figure was taken, and how much of the machine others were using.
import fs from 'node:fs';
import os from 'node:os';
import { execFileSync } from 'node:child_process';
import { ROOT } from '../../tests/flow/harness/folders.js';

export function machine() {
  const distribution = /^PRETTY_NAME="(.*)"$/m.exec(fs.readFileSync('/etc/os-release', 'utf8'))?.[1];
  return {
    cpu: os.cpus()[0].model.replace(/\s+/g, ' '),
    cores: os.cpus().length,
    memory_gib: Math.round(os.totalmem() / 2 ** 30),
    kernel: os.release(),
    system: distribution,
  };
}

export function commit() {
  const git = (...words) => execFileSync('git', ['-C', ROOT, ...words], { encoding: 'utf8' }).trim();
  try {
    // Results themselves and documents change no figure.
    const changes = git('status', '--porcelain', '--', 'base', 'bus', 'http', 'api', 'gateway', 'schema', 'bench', ':!bench/results');
    return { commit: git('rev-parse', '--short', 'HEAD'), is_dirty: changes !== '' };
  } catch {
    return { commit: 'unknown', is_dirty: false };
  }
}

/** The share of all cores that was busy during `ms`, 0 to 1. Asked while nothing of ours works. */
export async function busyShare(ms = 300) {
  const before = ticks();
  await new Promise((resolve) => setTimeout(resolve, ms));
  const after = ticks();
  return 1 - (after.idle - before.idle) / (after.all - before.all);
}

function ticks() {
  const [, ...fields] = fs.readFileSync('/proc/stat', 'utf8').split('\n')[0].split(/\s+/);
  const numbers = fields.slice(0, 8).map(Number); // user nice system idle iowait irq softirq steal
  return { all: numbers.reduce((sum, n) => sum + n, 0), idle: numbers[3] + numbers[4] };
}
