/** The resume check: `npm run test:resume`. Prints a table, and ends with 1 where a resumed run came to other bits. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Purpose, Random } from '../../src/random.js';
import { type Kill, type KillPoint, killAndResume, undisturbed } from './kill-and-resume.js';

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    model: { type: 'string', default: 'mlp' },
    engine: { type: 'string', default: 'wasm' },
    gpus: { type: 'string', default: '2' },
  },
});

const training = [
  ...['--data', 'sample', '--engine', values.engine, '--gpus', values.gpus, '--model', values.model],
  // What has a state: moments, a cycle, an average of the weights; and what draws at random.
  ...['--epochs', '3', '--augment', '--ema', '0.95', '--checkpoint-steps', '9', '--track', 'jsonl'],
];

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Two for each checkpoint of a run, or nearly. */
const files = 36;

/** Half of them anywhere in the run, some while it starts, the others while a file of any checkpoint is half written. */
function drawPoints(count: number, durationMs: number, draw = 0): KillPoint[][] {
  const random = new Random({ seed: Number(values.seed), purpose: Purpose.split, index: draw });
  const within = (ms: number): number => Math.round(ms * random.float());
  const points = Array.from({ length: count }, (_, index): KillPoint => {
    if (index % 10 === 9) return { when: 'time', afterMs: within(durationMs / 5) };
    if (index % 2 === 1) return { when: 'saving', file: 1 + random.below(files) };
    return { when: 'time', afterMs: within(durationMs * 0.9) };
  });
  // Some runs are killed once, some twice, some three times.
  const runs: KillPoint[][] = [];
  while (points.length > 0) runs.push(points.splice(0, 1 + random.below(3)));
  return runs;
}

const row = (...cells: readonly string[]): string =>
  cells.map((cell, index) => cell.padEnd([4, 6, 9, 18, 32, 18][index] ?? 0)).join('  ');

/** A row for each kill; what the run came to stands in the last. */
function rowsOf(run: number, kills: readonly Kill[], checksum: string, isSame: boolean): string[] {
  return kills.map(({ point, ms, reached, left = 'nothing: started again' }, index) => {
    const end = index === kills.length - 1 ? [checksum, isSame ? 'ok' : 'DIFFERS'] : [];
    return row(String(run), `${Math.round(ms)}`, point.when, reached, left, ...end);
  });
}

async function main(folder: string): Promise<number> {
  const since = performance.now();
  const expected = await undisturbed(training, join(folder, 'undisturbed'));
  const wanted = expected.replicaChecksums.join();
  say(`node scripts/train.js ${training.join(' ')}`);
  say(`undisturbed: ${Math.round(expected.ms)} ms, checksum ${wanted}; seed of the kills ${values.seed}`);
  say(row('run', 'ms', 'killed at', 'reached', 'left on disk', 'final checksum'));
  const count = Number(values.points);
  const runs = drawPoints(count, expected.ms);
  let done = 0;
  let bad = 0;
  for (let run = 1; done < count; run++) {
    // A point that a quick run has outrun is no kill: others are drawn in its place.
    const points = runs.shift() ?? drawPoints(count - done, expected.ms * 0.7, run)[0];
    const { kills, summary } = await killAndResume(training, join(folder, `run-${run}`), points);
    const isSame = summary.replicaChecksums.join() === wanted && summary.validLoss === expected.validLoss;
    for (const line of rowsOf(run, kills, summary.replicaChecksums[0], isSame)) say(line);
    done += kills.length;
    if (!isSame) bad++;
  }
  const seconds = Math.round((performance.now() - since) / 1000);
  say(`${done} kills, ${bad} runs with another end, ${seconds} s`);
  return bad === 0 ? 0 : 1;
}

const folder = mkdtempSync(join(tmpdir(), 'gradring-resume-'));
try {
  process.exitCode = await main(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
