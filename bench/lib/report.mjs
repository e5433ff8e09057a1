// Figures to medians, a table, a file in results/ for each budget, and results/README.md made of these.
import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from '../../tests/flow/harness/folders.js';

const RESULTS = path.join(ROOT, 'bench', 'results');

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const summary = (samples) => ({ median: median(samples), least: Math.min(...samples), most: Math.max(...samples), samples });

/**
 * One line of a table: `yardstick` and `parley` are the samples' figures, taken in turn. `must` and `aim` are ratios, the least that
 * is asked for or, of a cost, the most; a line without them is for information.
 */
export function compare({ scenario, unit, yardstick, parley, must = null, aim = null, isCost = false }) {
  const [ours, theirs] = [summary(parley), summary(yardstick)];
  const ratio = ours.median / theirs.median;
  return { scenario, unit, yardstick: theirs, parley: ours, ratio, must, aim, is_cost: isCost };
}

/** The same for a cost without yardstick: `must` and `aim` are in the figure's own unit. */
export function within({ scenario, unit, parley, must = null, aim = null }) {
  return { scenario, unit, parley: summary(parley), must, aim, is_cost: true };
}

/** The same for what costs extra: by how much each of Parley's samples exceeds the yardstick's. `must`: what the worst may, at most. */
export function exceed({ scenario, unit, yardstick, parley, must = null }) {
  const extra = summary(parley.map((figure, i) => figure - yardstick[i]));
  return { scenario, unit, yardstick: summary(yardstick), parley: summary(parley), extra, must };
}

const HEAD = ['budget', 'scenario', 'unit', 'yardstick', 'Parley', 'ratio or extra', 'must', 'aim', ''];

const round = (n) => (Number(n.toFixed(Math.abs(n) < 100 ? 1 : 0)) + 0).toLocaleString('en-US'); // + 0: no -0
const spread = ({ median: middle, least, most }) => `${round(middle)} (${round(least)}–${round(most)})`;

function verdict({ ratio, parley, must, aim, is_cost: isCost }) {
  const figure = ratio ?? parley.median;
  const meets = (bound) => bound !== null && (isCost ? figure <= bound : figure >= bound);
  return must === null ? '' : meets(aim) ? 'aim met' : meets(must) ? 'met' : 'not met';
}

function judged(row) {
  const { ratio, must, aim, extra, is_cost: isCost } = row;
  if (extra) return [`${extra.median > 0 ? '+' : ''}${spread(extra)}`, must === null ? '' : `≤ ${must}`, '', must === null ? '' : extra.most <= must ? 'met' : 'not met'];
  const number = (n) => (ratio === undefined ? n.toLocaleString('en-US') : n.toFixed(2));
  const bound = (n) => (n === null ? '' : `${isCost ? '≤ ' : ''}${number(n)}`);
  return [ratio === undefined ? '' : ratio.toFixed(3), bound(must), bound(aim), verdict(row)];
}

const nameOf = ({ name, label }) => (label ? `${name} (${label})` : name);

function cells(result, row) {
  return [nameOf(result), row.scenario, row.unit, row.yardstick ? spread(row.yardstick) : '', spread(row.parley), ...judged(row)];
}

export function printTable(result) {
  const lines = [HEAD, ...result.rows.map((row) => cells(result, row))];
  const widths = HEAD.map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  console.log(`\n${result.title}: medians of ${result.samples} (least–most), --seconds=${result.seconds}`);
  for (const line of lines) console.log(line.map((cell, i) => cell.padEnd(widths[i])).join('  ').trimEnd());
  console.log(`others used ${percent(result.foreign.median)} of the machine beside a sample, ${percent(result.foreign.most)} at most`);
}

const percent = (share) => `${(share * 100).toFixed(0)} %`;

/** Writes the result in place of the last one of this budget and label (git has those); answers the file. */
export function store(result) {
  const file = path.join(RESULTS, `${result.label ? `${result.name}.${result.label}` : result.name}.json`);
  fs.mkdirSync(RESULTS, { recursive: true });
  fs.writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  fs.writeFileSync(path.join(RESULTS, 'README.md'), readme());
  return path.relative(ROOT, file);
}

function table(results) {
  const row = (line) => `| ${line.join(' | ')} |`;
  return [HEAD, HEAD.map(() => '---'), ...results.flatMap((result) => result.rows.map((line) => cells(result, line)))].map(row).join('\n');
}

function source(result) {
  const { cpu, cores, memory_gib, kernel, system } = result.machine;
  return (
    `- **${nameOf(result)}**: \`${result.command}\`, commit ${result.commit}${result.is_dirty ? ' with changes' : ''}, ${result.started.slice(0, 16)}Z; ` +
    `${cpu}, ${cores} cores, ${memory_gib} GiB, ${system}, Linux ${kernel}; ` +
    `others used ${percent(result.foreign.median)} of the machine (at most ${percent(result.foreign.most)}).`
  );
}

function others(results) {
  if (results.length === 0) return '';
  return `
## Other gateways

Measured with another gateway's program, the one that the label in brackets names, by the generators and against the yardsticks of the
commit below.

${table(results)}

${results.map(source).join('\n')}
`;
}

function readme() {
  const files = fs.readdirSync(RESULTS).filter((name) => name.endsWith('.json')).sort();
  const results = files.map((name) => JSON.parse(fs.readFileSync(path.join(RESULTS, name), 'utf8')));
  const own = results.filter((result) => !result.label);
  return `# Results

Written by \`bench/run\`; the newest of each budget, older ones are in the history of this folder. A figure is the median of its
samples (least–most), the ratio that of the medians; extra is what each sample has more than its yardstick, and its worst is what is judged.
Yardstick and Parley were measured in turn in one run, the server alone on one core, load and PostgreSQL on another: only the ratio means
anything on another machine. A line without a yardstick is judged by its own figure. Lines without *must* are for information.

${table(own)}

${own.map(source).join('\n')}
${others(results.filter((result) => result.label))}`;
}
