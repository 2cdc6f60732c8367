/** Medians, ratios, and tables of figures. */
import t from 'tap';
import { compare, summarise } from '../../bench/harness.js';
import { type FullReport, figure, markdownTable, textTable } from '../../bench/report.js';

const ours = summarise('ours', 'img/s', [110, 90, 100]);
const theirs = compare(summarise('theirs', 'img/s', [40, 60, 55, 45]), ours);

const report: FullReport = {
  bench: 'step',
  date: '2030-01-02T03:04:05.000Z',
  environment: {
    gradring: '0.1.0',
    node: 'v20.20.2',
    platform: 'linux 6.0 x64',
    processor: 'Abacus',
    cores: 2,
    memoryBytes: 8 * 2 ** 30,
    packages: { '@tensorflow/tfjs-core': '4.22.0' },
  },
  settings: { batch: 192, replicas: [1, 2] },
  rows: [ours, theirs],
  notes: ['a note'],
};

t.test('the median of an even number of runs lies between the middle two', async t => {
  t.match(ours, { median: 100, min: 90, max: 110, runs: [110, 90, 100] });
  t.match(theirs, { median: 50, min: 40, max: 60, against: { name: 'ours', ratio: 0.5 } });
});

t.test('figures have three digits, and never lose a whole part', async t => {
  const shown = [0, 0.0123456, 0.5, 1, 9.876, 12.34, 123.4, 1234.5].map(figure);
  t.strictSame(shown, ['0.00', '0.0123', '0.500', '1.00', '9.88', '12.3', '123', '1235']);
});

t.test('a table for people: aligned, without columns that nothing stands in', async t => {
  const lines = textTable(report).split('\n');
  t.strictSame(lines.slice(0, 3), [
    'bench step',
    'Abacus, 2 cores, 8 GiB, linux 6.0 x64; gradring 0.1.0, node v20.20.2, tfjs 4.22.0; 2030-01-02',
    'batch 192; replicas 1, 2',
  ]);
  t.strictSame(lines.slice(4, 7), [
    '        median    min – max  unit   ratio',
    'ours       100   90.0 – 110  img/s',
    'theirs    50.0  40.0 – 60.0  img/s  0.500 × ours',
  ]);
  t.equal(lines.at(-1), '* a note');
});

t.test('the same as Markdown', async t => {
  t.match(
    markdownTable(report),
    '| ours | 100 | 90.0 – 110 | img/s |  |\n| theirs | 50.0 | 40.0 – 60.0 | img/s | 0.500 × ours |',
  );
});
