/** Turns, contests and ratios; pictures that are the same in every call. */
import sharp from 'sharp';
import t from 'tap';
import { summarise } from '../../bench/harness.js';
import { photos } from '../../bench/image-sets.js';
import { epochRate, pairedRatio, takeTurns, type Variant } from '../../bench/rounds.js';
import { medianOf } from '../../src/statistics.js';

/** Whose figures are given, round by round, and who notes its turns. */
function scripted(turns: string[], name: string, figures: readonly number[], contest?: string): Variant {
  let next = 0;
  return {
    name,
    contest,
    run: async () => {
      turns.push(name);
      return figures[next++];
    },
  };
}

const rounds = { runs: 3, unit: 'img/s', signal: new AbortController().signal };

t.test('variants take turns, and rounds to warm up do not count', async t => {
  const turns: string[] = [];
  const variants = [scripted(turns, 'a', [90, 91, 1, 2, 3]), scripted(turns, 'b', [99, 98, 30, 10, 20])];
  const rows = await takeTurns(variants, rounds);
  t.equal(turns.join(''), 'ababababab');
  t.match(rows, [
    { name: 'a', runs: [1, 2, 3] },
    { name: 'b', runs: [30, 10, 20], median: 20 },
  ]);
});

t.test('of a contest the slow ones leave after the warm-up, and the best is shown', async t => {
  const turns: string[] = [];
  const contest = [
    // Threads that start make a first round slow: it decides nothing.
    scripted(turns, 'a', [1, 100, 90, 90, 90], 'ours'),
    scripted(turns, 'b', [50, 79], 'ours'),
    scripted(turns, 'c', [50, 81, 95, 95, 10], 'ours'),
    scripted(turns, 'd', [1, 1, 1, 1, 1], 'theirs'),
    scripted(turns, 'e', [1, 1, 1, 1, 1], 'theirs'),
  ];
  const rows = await takeTurns(contest, rounds);
  t.same(
    rows.map(({ name }) => name),
    ['c', 'd'],
  );
  t.equal(turns.filter(name => name === 'b').length, 2);
});

t.test('a ratio is that of each round', async t => {
  const row = summarise('ours', 'img/s', [10, 40, 90]);
  const other = summarise('theirs', 'img/s', [10, 20, 30]);
  const { runs, median } = pairedRatio('ratio', row, other);
  t.same(runs, [1, 2, 3]);
  t.not(median, row.median / medianOf([30, 10, 10]));
});

t.test('a run is whole epochs, one at least', async t => {
  let epochs = 0;
  const rate = await epochRate(10, 0, async () => {
    epochs++;
  });
  t.equal(epochs, 1);
  t.ok(rate > 0);
});

t.test('an abort ends the rounds', async t => {
  const controller = new AbortController();
  const turns: string[] = [];
  const stop = {
    name: 'stop',
    async run() {
      controller.abort(new Error('enough'));
      return 1;
    },
  };
  const measured = takeTurns([stop, scripted(turns, 'after', [])], { ...rounds, signal: controller.signal });
  await t.rejects(measured, { message: 'enough' });
  t.same(turns, []);
});

t.test('pictures: size, format, labels, and the same bytes every time', async t => {
  for (const format of ['png', 'jpeg'] as const) {
    const set = { count: 3, width: 40, height: 30, format };
    const [once, again] = [[], []] as Uint8Array[][];
    const labels: number[] = [];
    for await (const { bytes, label } of photos(set)) {
      once.push(bytes);
      labels.push(label);
    }
    for await (const { bytes } of photos(set)) again.push(bytes);
    t.same(labels, [0, 1, 0]);
    t.same(once, again);
    t.notSame(once[0], once[2], 'pictures differ');
    t.match(await sharp(once[0]).metadata(), { width: 40, height: 30, format, channels: 3 });
  }
});
