import t from 'tap';
import { Purpose, Random } from '../src/random.js';

t.test('no two purposes share a stream', async t => {
  const numbers = Object.values(Purpose);
  t.equal(new Set(numbers).size, numbers.length);
});

t.test('normal draws have mean 0, variance 1 and the tails they should', async t => {
  const random = new Random({ seed: 7, purpose: Purpose.noise });
  const draws = Array.from({ length: 50_000 }, () => random.normals()).flat();
  const mean = draws.reduce((sum, x) => sum + x, 0) / draws.length;
  const variance = draws.reduce((sum, x) => sum + x * x, 0) / draws.length - mean * mean;
  const beyond = draws.filter(x => Math.abs(x) > 1.959964).length / draws.length;
  // Five standard errors of 100,000 draws: 1 / √n, √(2 / n), √(0.05 · 0.95 / n).
  t.ok(Math.abs(mean) < 0.016, `${mean}`);
  t.ok(Math.abs(variance - 1) < 0.023, `${variance}`);
  t.ok(Math.abs(beyond - 0.05) < 0.0035, `${beyond}`);
});
