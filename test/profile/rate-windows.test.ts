/** Rates from the times of batches: made up here, so that every figure can be worked out. */
import t from 'tap';
import { RateWindows } from '../../src/profile/rate-windows.js';
import { percentilesOf } from '../../src/statistics.js';

/** Adds batches of 10 images that take so many ms each, until the measurement is complete. */
function measure(seconds: number, ms: (batch: number) => number): RateWindows {
  const windows = new RateWindows(seconds, 1000);
  let now = 1000;
  for (let batch = 0; batch < 1000; batch++) {
    now += ms(batch);
    if (windows.add(10, now)) return windows;
  }
  throw new Error('it never ends');
}

t.test('equal windows', async t => {
  const windows = measure(0.5, () => 10);
  t.equal(windows.images, 500);
  const { imagesPerSecond, batchMs } = windows.rates;
  t.strictSame(imagesPerSecond, { median: 1000, min: 1000, max: 1000, runs: [1000, 1000, 1000, 1000, 1000] });
  t.strictSame(batchMs, { p50: 10, p95: 10, p99: 10 });
});

t.test('a halt is seen in the spread and in the slowest batch, and not in the median', async t => {
  const { imagesPerSecond, batchMs } = measure(0.5, batch => (batch === 15 ? 310 : 10)).rates;
  t.equal(imagesPerSecond.median, 1000);
  // 5 batches of 10 ms, then one of 310.
  t.equal(imagesPerSecond.min, (1000 * 60) / 360);
  t.strictSame(batchMs, { p50: 10, p95: 10, p99: 310 });
});

t.test('batches longer than the whole time: three of them are measured', async t => {
  const windows = measure(0.5, batch => [600, 800, 1000, 1200][batch]);
  t.equal(windows.images, 30);
  t.strictSame(windows.rates.imagesPerSecond.runs, [10 / 0.6, 10 / 0.8, 10]);
  t.equal(windows.rates.imagesPerSecond.median, 10 / 0.8);
});

t.test('percentiles are values that occurred', async t => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  t.strictSame(percentilesOf(hundred), { p50: 50, p95: 95, p99: 99 });
  t.strictSame(percentilesOf([3]), { p50: 3, p95: 3, p99: 3 });
});
