/** The `fuzz` command: `npm run fuzz -- --only pack --count 1000000 --seed 7`. */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { packageRoot } from '../../src/package-root.js';
import { type FuzzResult, runTarget } from './run-target.js';
import { targets } from './targets.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    count: { type: 'string' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    input: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const usage = `Usage: npm run fuzz -- [options]
  --only TEXT    targets whose name contains it
  --count N      inputs of each target   [its own]
  --seed N       of the mutations        [1]
  --from N       first input             [0]
  --input FILE   read this file instead of mutated inputs

Targets: ${targets.map(({ name }) => name).join(', ')}`;

/** Processes at a time: the targets that decode images use threads of their own. */
const TOGETHER = 2;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function rowOf({
  target,
  inputs,
  read,
  refused,
  slowestMs,
  slowest,
  growth,
  seconds,
  faults,
}: FuzzResult): string[] {
  const count = (value: number): string => value.toLocaleString('en');
  return [
    target,
    count(inputs),
    count(read),
    count(refused),
    `${slowestMs.toFixed(1)} (${slowest})`,
    `${growth}`,
    count(Math.round(inputs / seconds)),
    faults.length === 0 ? 'none' : `${faults.length}`,
  ];
}

/** Columns as wide as they must be; figures end alike. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, i) => Math.max(...rows.map(row => row[i].length)));
  const lines = rows.map(row =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '),
  );
  return lines.join('\n');
}

async function main(): Promise<number> {
  if (values.help) {
    say(usage);
    return 0;
  }
  const { only = '', input } = values;
  const chosen = targets.filter(({ name }) => name.includes(only));
  if (chosen.length === 0) {
    say(usage);
    return 2;
  }
  const seed = Number(values.seed);
  const module = new URL('./targets.js', import.meta.url).href;
  const failures = join(packageRoot(), 'fuzz-failures');
  const results = new Map<string, FuzzResult>();
  const left = [...chosen];
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const { name } = next;
      const count = input === undefined ? Number(values.count ?? next.count) : 1;
      const file = input && resolve(input);
      const from = Number(values.from);
      const result = await runTarget({ target: name, module, seed, from, count, input: file, failures });
      for (const { n, reason, file } of result.faults)
        say(`✖ ${name}, seed ${seed}, input ${n}: ${reason}${file === undefined ? '' : `\n  ${file}`}`);
      results.set(name, result);
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, work));
  const head = [
    'target',
    'inputs',
    'read',
    'refused',
    'slowest, ms (n)',
    'grew by, MiB',
    'inputs/s',
    'faults',
  ];
  const rows = chosen.flatMap(({ name }) => results.get(name) ?? []).map(rowOf);
  say(table([head, ...rows]));
  return [...results.values()].some(({ faults }) => faults.length > 0) ? 1 : 0;
}

process.exitCode = await main();
