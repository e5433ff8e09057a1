// What happened, one JSON object a line; README.md tells the fields.
import fs from 'node:fs';
import readline from 'node:readline';

export class History {
  constructor(file) {
    fs.mkdirSync(new URL('.', `file://${file}`), { recursive: true });
    this.file = file;
    this.stream = fs.createWriteStream(file);
    this.from = process.hrtime.bigint();
    this.counts = {};
  }

  now() {
    return Number(process.hrtime.bigint() - this.from);
  }

  add(entry) {
    const key = `${entry.op} ${entry.type}`;
    this.counts[key] = (this.counts[key] ?? 0) + 1;
    this.stream.write(`${JSON.stringify({ t_ns: this.now(), ...entry })}\n`);
  }

  /**
   * Writes what is about to be tried; answers how it ended: {ok, fail, info}, one of which is called once, with what is
   * known by then.
   */
  begin(entry) {
    this.add({ ...entry, type: 'invoke' });
    const end = (type) => (more = {}) => this.add({ ...entry, ...more, type });
    return { ok: end('ok'), fail: end('fail'), info: end('info') };
  }

  close() {
    return new Promise((resolve) => this.stream.end(resolve));
  }
}

/** All entries of a history file, in order. */
export async function readHistory(file) {
  const entries = [];
  for await (const line of readline.createInterface({ input: fs.createReadStream(file) })) entries.push(JSON.parse(line));
  return entries;
}
