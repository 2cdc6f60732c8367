/** learn.lrFind and learn.showImageBatch on real replicas: they leave everything as it was. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { BatchTransformCB } from '../../src/callbacks/batch-transform.js';
import { BudgetCB } from '../../src/callbacks/budget.js';
import { MetricsCB } from '../../src/callbacks/metrics.js';
import { RecorderCB } from '../../src/callbacks/recorder.js';
import '../../src/inspect/lr-find.js';
import '../../src/inspect/show-image-batch.js';
import type { Learner } from '../../src/learner/learner.js';
import { adam } from '../../src/learner/optimizer.js';
import { randomCrop } from '../../src/nn/transform-specs.js';
import { makeFixture } from '../inference/fixtures.js';

const folder = mkdtempSync(join(tmpdir(), 'lr-find-'));
t.teardown(() => rmSync(folder, { recursive: true }));

/** Two epochs with Adam, `between` after the first; the optimizer and its moments go on. */
async function trained(between: (learn: Learner, checksum: () => Promise<string>) => Promise<void>) {
  const [recorder, metrics] = [new RecorderCB({ lr: cb => cb.pg.lr }), new MetricsCB()];
  const rows: number[] = [];
  const { learn, coordinator, close } = await makeFixture({ replicas: 2, cbs: [recorder, metrics] });
  const checksum = async (): Promise<string> => (await coordinator.verifyReplicas())[0];
  try {
    Object.assign(learn, { optFunc: adam(), lr: 1e-3 });
    await learn.fit(1);
    learn.optFunc = null;
    await between(learn, checksum);
    for await (const { indices } of learn.dls.train) {
      rows.push(...indices);
      break;
    }
    t.equal(recorder.records.lr.length, 7, 'the records of the fit are still there');
    t.equal(metrics.history.length, 2);
    await learn.fit(1);
    return { rows, checksum: await checksum(), step: learn.globalStep };
  } finally {
    await close();
  }
}

t.test('training goes on bit for bit as if there had been no search, and no look at a batch', async t => {
  const plain = await trained(async () => {});
  const searched = await trained(async (learn, checksum) => {
    const before = await checksum();
    const { lrs, losses, suggestions, chart } = await learn.lrFind({ file: join(folder, 'lr.svg') });
    t.ok(lrs.length > 20 && lrs.length === losses.length);
    t.equal(lrs[0], 1e-5);
    t.ok(losses.at(-1)! > 2 * Math.min(...losses) || lrs.at(-1)! > 10 / 1.3, 'it went as far as it should');
    for (const lr of Object.values(suggestions)) t.ok(lr > 1e-5 && lr < 1, `${lr}`);
    t.equal(chart.marks.length, 3);
    t.match(readFileSync(join(folder, 'lr.svg'), 'utf8'), /valley: /);
    t.strictSame(JSON.parse(readFileSync(join(folder, 'lr.json'), 'utf8')).series[0].y, losses);
    t.equal(await checksum(), before);
    t.equal(learn.opt.paramGroups[0].lr, 1e-3);

    const figure = await learn.showImageBatch({ max: 5, file: join(folder, 'batch.png') });
    t.equal(figure.axes.filter(({ pixels }) => pixels).length, 5);
    t.ok(existsSync(join(folder, 'batch.png')));
    t.equal(await checksum(), before);
  });
  t.strictSame(searched, plain);
});

t.test('a search that fails leaves the callbacks and the weights too', async t => {
  const { learn, coordinator, close } = await makeFixture({ replicas: 1 });
  t.teardown(close);
  const [cbs, before] = [[...learn.cbs], await coordinator.checksums()];
  await t.rejects(learn.lrFind({ cbs: [new BudgetCB({ maxSteps: 2 })] }), { code: 'E_LEARNER' });
  t.strictSame([learn.cbs.length, await coordinator.checksums()], [cbs.length, before]);
  t.equal(learn.opt, undefined, 'there was no optimizer before');
  await t.rejects(learn.lrFind({ maxEpochs: 0 }), { code: 'E_CONFIG' });
});

t.test('showImageBatch shows the images of the next batch, transformed, under their classes', async t => {
  const { learn, dls, close } = await makeFixture({ replicas: 2 });
  t.teardown(close);
  const crop = new BatchTransformCB(randomCrop({ padding: 4 }));
  const plain = await learn.showImageBatch({ max: 16 });
  const cropped = await learn.showImageBatch({ max: 16, cbs: [crop] });
  const again = await learn.showImageBatch({ max: 16, cbs: [crop] });
  t.strictSame([dls.train.epoch, learn.cbs.includes(crop)], [0, false]);
  let labels: number[] = [];
  for await (const batch of dls.train) {
    labels = [...batch.labels];
    // One scale for all: black is 0 and white is 255 of the brightest image.
    const first = plain.axes[0].pixels!.data;
    const pixels = batch.pixels.subarray(0, first.length);
    const most = Math.max(...batch.pixels);
    t.ok(first.every((value, i) => Math.abs(value - (pixels[i] * 255) / most) <= 1));
    break;
  }
  const { classes } = dls.train.dataset;
  t.strictSame(
    plain.axes.map(({ title }) => title),
    labels.map(label => classes[label]),
  );
  const bytesOf = ({ axes }: typeof plain) => axes.map(({ pixels }) => [...pixels!.data]);
  t.notSame(bytesOf(cropped), bytesOf(plain));
  t.strictSame(bytesOf(again), bytesOf(cropped), 'the draw of a batch is the same every time');
});
