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
  // All that has a state: draws, an average, accumulated gradients would do, a cycle, moments.
  ...['--epochs', '3', '--augment', '--ema', '0.95', '--checkpoint-steps', '9', '--track', 'jsonl'],
];

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Half of them anywhere in the run, some while it starts, the others while a file is half written. */
function drawPoints(count: number, durationMs: number): KillPoint[][] {
  const random = new Random({ seed: Number(values.seed), purpose: Purpose.split });
  const within = (ms: number): number => Math.round(ms * random.float());
  const points = Array.from({ length: count }, (_, index): KillPoint => {
    if (index % 10 === 9) return { when: 'time', afterMs: within(durationMs / 5) };
    if (index % 2 === 1) return { when: 'saving', afterMs: within(durationMs * 0.7) };
    return { when: 'time', afterMs: within(durationMs * 0.9) };
  });
  // Some runs are killed once, some twice, some three times.
  const runs: KillPoint[][] = [];
  while (points.length > 0) runs.push(points.splice(0, 1 + random.below(3)));
  return runs;
}

const row = (cells: readonly string[]): string =>
  cells.map((cell, index) => cell.padEnd([4, 6, 9, 18, 32, 18][index] ?? 0)).join('  ');

const rowOf = (run: number, { point, ms, reached, left }: Kill, checksum: string, verdict: string): string =>
  row([
    String(run),
    `${Math.round(ms)}`,
    point.when,
    reached,
    left ?? 'nothing: started again',
    checksum,
    verdict,
  ]);

async function main(folder: string): Promise<number> {
  const since = performance.now();
  const expected = await undisturbed(training, join(folder, 'undisturbed'));
  const wanted = expected.replicaChecksums.join();
  say(`node scripts/train.js ${training.join(' ')}`);
  say(
    `undisturbed: ${Math.round(expected.ms)} ms, checksum ${wanted}, seed of the kill points ${values.seed}`,
  );
  say(row(['run', 'ms', 'killed at', 'reached', 'left on disk', 'final checksum', '']));
  const counts = { kills: 0, bad: 0 };
  let left = Number(values.points);
  // A point that a quick run has outrun is no kill: others are drawn in its place.
  for (let run = 1, runs = drawPoints(left, expected.ms); left > 0; run++) {
    const points = runs.shift() ?? drawPoints(left, expected.ms * 0.7)[0];
    const { kills, summary } = await killAndResume(training, join(folder, `run-${run}`), points);
    const checksum = summary.replicaChecksums.join();
    const isSame = checksum === wanted && summary.validLoss === expected.validLoss;
    kills.forEach((kill, index) => {
      const isLast = index === kills.length - 1;
      say(
        rowOf(
          run,
          kill,
          isLast ? summary.replicaChecksums[0] : '',
          isLast ? (isSame ? 'ok' : 'DIFFERS') : '',
        ),
      );
    });
    counts.kills += kills.length;
    if (!isSame) counts.bad++;
    left -= kills.length;
    runs = runs.length > 0 ? runs : [];
  }
  const seconds = Math.round((performance.now() - since) / 1000);
  say(`${counts.kills} kills, ${counts.bad} runs with another end, ${seconds} s`);
  return counts.bad === 0 ? 0 : 1;
}

const folder = mkdtempSync(join(tmpdir(), 'gradring-resume-'));
try {
  process.exitCode = await main(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
