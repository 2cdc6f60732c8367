/** `node scripts/profile.js loader` as its users run it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { unpacksCompiled } from '../../src/data/decode/png-decoder.js';
import type { LoaderProfile } from '../../src/profile/loader-profile.js';
import type { Rates } from '../../src/profile/rate-windows.js';
import { type Ended, runScript } from './command.js';

const profile = (
  args: readonly string[],
  ...more: [onError?: Parameters<typeof runScript>[2]]
): Promise<Ended> => runScript('profile.js', args, ...more);

/** Rates with a spread round the median, and percentiles in order. */
function checkRates(t: Test, { imagesPerSecond, batchMs }: Rates, name: string): void {
  const { median, min, max, runs } = imagesPerSecond;
  t.ok(min > 0 && min <= median && median <= max, `${name}: ${min} … ${median} … ${max}`);
  t.ok(runs.every(run => run >= min && run <= max) && runs.length >= 3);
  t.ok(batchMs.p50 > 0 && batchMs.p50 <= batchMs.p95 && batchMs.p95 <= batchMs.p99, `${name}: batches`);
}

t.test('the sample, from the figures to the picture', async t => {
  const folder = t.testdir();
  const [json, chart] = [join(folder, 'profile.json'), join(folder, 'profile.svg')];
  const what = ['loader', '--workers', '0,1', '--seconds', '0.2', '--batch-size', '64', '--gpus', '2'];
  const ended = await profile([
    ...what,
    '--engine',
    'wasm',
    '--model',
    'mlp',
    '--json',
    json,
    '--chart',
    chart,
  ]);
  t.equal(ended.code, 0, ended.stderr);

  const found: LoaderProfile = JSON.parse(readFileSync(json, 'utf8'));
  t.match(found, {
    version: 1,
    settings: { batchSize: 64, prefetch: 2, cache: 'none', seconds: 0.2 },
    dataset: { images: 10_000, classes: 10, imageShape: [28, 28, 1], storage: 'records', decoded: true },
    device: { engine: 'wasm', devices: ['wasm:0', 'wasm:1'], model: 'mlp', parameters: 39_760 },
  });
  t.equal(found.dataset.pixelBytes, 7_840_000);
  const meanFileBytes = Number(found.dataset.meanFileBytes);
  t.ok(meanFileBytes > 400 && meanFileBytes < 700, `${meanFileBytes} bytes a file`);
  t.strictSame(found.dataset.decoders, { [unpacksCompiled() ? 'libdeflate' : 'plain PNG']: 1 });
  const { read, inflate, decode, copy, total } = found.dataset.stepsUs;
  for (const step of [read, inflate, decode, total]) t.ok(step > 0);
  t.ok(Math.abs(read + inflate + decode + copy - total) < 1e-6 * total, 'the steps are the whole');

  t.strictSame(
    found.workers.map(({ workers }) => workers),
    [0, 1],
  );
  for (const row of found.workers) {
    checkRates(t, row, `${row.workers} workers`);
    t.ok(row.firstBatchMs > 0 && row.cpuUsPerImage > 1 && row.peakRssBytes > 1e7);
    t.ok(row.slotWaitShare >= 0 && row.slotWaitShare <= 1, `${row.slotWaitShare} of the time without a slot`);
    t.ok(row.eventLoopDelayMs.p99 >= row.eventLoopDelayMs.p50);
  }
  checkRates(t, found.gather, 'in memory');
  if (!found.device || !found.training) throw new Error('the devices were measured');
  checkRates(t, found.device, 'devices');
  checkRates(t, found.training, 'training');
  t.ok(found.training.dataShare > 0 && found.training.dataShare < 1);
  t.match(found.verdict.bound, /^(loader|device)$/);
  t.match(ended.stdout, `\n${found.verdict.sentence}\n`);
  t.match(ended.stdout, /one sample on one thread: .* img\/s\n {2}read .*█/);
  t.match(ended.stdout, /\n {2}1 worker +[\d,]+ {2}[█▏▎▍▌▋▊▉]+ /);
  t.match(readFileSync(chart, 'utf8'), /^<svg[\s\S]*decode threads[\s\S]*<\/svg>/);
});

t.test('Ctrl-C ends it with 130, and nothing is printed or written', async t => {
  const json = join(t.testdir(), 'profile.json');
  let sent = false;
  const ended = await profile(['loader', '--seconds', '3', '--json', json], (stderr, kill) => {
    if (sent || !stderr.includes('measuring the loader')) return;
    sent = true;
    kill('SIGINT');
  });
  t.equal(ended.code, 130, ended.stderr);
  t.match(ended.stderr, /stopping; Ctrl-C again stops now/);
  t.notMatch(ended.stderr, /✖/);
  t.equal(ended.stdout, '');
  t.notOk(existsSync(json));
});

const misuse: Readonly<Record<string, { args: readonly string[]; says: readonly RegExp[] }>> = {
  'another thing to profile': { args: ['step'], says: [/E_CONFIG.*step/, /profile\.js loader/] },
  'a flag that is none': {
    args: ['loader', '--worker', '2'],
    says: [/no option --worker/, /did you mean --workers/],
  },
  'threads that are no numbers': {
    args: ['loader', '--workers', '1,two'],
    says: [/E_CONFIG.*workers/, /0,1,2,4/],
  },
  'no time at all': { args: ['loader', '--seconds', '0'], says: [/E_CONFIG.*seconds is 0/] },
  'a picture of no kind': {
    args: ['loader', '--chart', 'a.gif'],
    says: [/E_CONFIG.*a\.gif/, /\.svg or \.png/],
  },
  'no such data': { args: ['loader', '--data', 'no/such/folder'], says: [/E_DATASET.*no\/such\/folder/] },
  'no such model': { args: ['loader', '--model', 'resnet5'], says: [/E_CONFIG.*resnet5/, /resnet4/] },
};

for (const [name, { args, says }] of Object.entries(misuse)) {
  t.test(name, async t => {
    const ended = await profile(args);
    t.equal(ended.code, 2, ended.stderr);
    for (const line of says) t.match(ended.stderr, line);
    t.equal(ended.stdout, '');
  });
}

t.test('help', async t => {
  const [help, nothing] = await Promise.all([profile(['loader', '--help']), profile([])]);
  t.strictSame([help.code, help.stderr], [0, '']);
  for (const flag of ['data <', 'workers <list>', 'no-device', 'json <file>', 'batch-size <n>']) {
    t.match(help.stdout, `--${flag}`);
  }
  t.equal(nothing.code, 2);
  t.equal(nothing.stdout, help.stdout);
});
