// The report, for an operator to read.

const number = (value) => value.toLocaleString('en');
const seconds = (ms) => (ms === Infinity ? 'never' : `${(ms / 1000).toFixed(2)} s`);

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted.length === 0 ? NaN : sorted[sorted.length >> 1];
}

function table(head, rows) {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i].length)));
  return [head, ...rows].map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i])).join('   ').trimEnd()}`).join('\n');
}

/** Of `faults`, [{nemesis, healedMs}], per kind: how often, and how long until all was well again. */
function healingTable(faults) {
  const kinds = [...new Set(faults.map(({ nemesis }) => nemesis))];
  const rows = kinds.map((nemesis) => {
    const times = faults.filter((fault) => fault.nemesis === nemesis).map(({ healedMs }) => healedMs);
    return [nemesis.name, nemesis.what, String(times.length), seconds(median(times)), seconds(Math.max(...times))];
  });
  return table(['fault', 'what it is', 'times', 'median', 'worst'], rows.sort((a, b) => a[0].localeCompare(b[0])));
}

function loadTable(counts) {
  const of = (op) => ['ok', 'fail', 'info'].map((type) => number(counts[`${op} ${type}`] ?? 0));
  const names = { send: 'sends', cursor: 'cursor moves', read: 'reads', member: 'joins and removals' };
  return table(['operation', 'acknowledged', 'refused', 'unknown'], Object.entries(names).map(([op, name]) => [name, ...of(op)]));
}

/** Of every check {name, promise, violations}. */
function verdictTable(checks) {
  const rows = checks.map(({ name, promise, violations }) => [violations.length === 0 ? 'kept' : `BROKEN ${violations.length}×`, name, promise]);
  return table(['', 'check', 'what was promised'], rows);
}

function violationsOf({ name, violations }) {
  const shown = violations.slice(0, 10).map((what) => `    ${what}`);
  if (violations.length > 10) shown.push(`    and ${violations.length - 10} more`);
  return [`  ${name}:`, ...shown].join('\n');
}

export function makeReport({ options, faults, counts, checks, historyFile }) {
  const { seed, minutes, apis, gateways, clients, rooms } = options;
  const broken = checks.filter(({ violations }) => violations.length > 0);
  const seen = ['event', 'page', 'gap', 'follow'].map((op) => number(counts[`${op} ok`] ?? 0));
  const parts = [
    `T50 Parley under chaos: ${minutes} min, seed ${seed}; ${apis} APIs, ${gateways} gateways, ${clients} clients in ${rooms} rooms`,
    'What was done, and how long after its end all was well again:',
    healingTable(faults),
    'What clients did meanwhile:',
    loadTable(counts),
    `  Subscribers got ${seen[0]} events live, ${seen[1]} by pages after ${seen[2]} gaps that they were told of; they began to follow ${seen[3]} times.`,
    'What was promised, and what came of it:',
    verdictTable(checks),
    ...broken.map(violationsOf),
    `History: ${historyFile}`,
    broken.length === 0 ? 'All promises were kept.' : `BROKEN: ${broken.map(({ name }) => name).join(', ')}. Repeat with --seed ${seed}.`,
  ];
  return `${parts.join('\n\n')}\n`;
}
