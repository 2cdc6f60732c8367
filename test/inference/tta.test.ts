import t from 'tap';
import { BatchTransformCB } from '../../src/callbacks/batch-transform.js';
import type { Dataset } from '../../src/data/dataset.js';
import { ArrayDataset } from '../../src/data/datasets/array-dataset.js';
import { readSamples } from '../../src/data/samples/read-samples.js';
import type { CapturedPreds } from '../../src/inference/captured-preds.js';
import { softmax } from '../../src/inference/captured-preds.js';
import { ensemblePreds } from '../../src/inference/mean-preds.js';
import '../../src/inference/tta.js';
import { horizontalFlip } from '../../src/nn/transform-specs.js';
import { recorder } from '../learner/recorder.js';
import { distance, type Fixture, makeFixture } from './fixtures.js';

let fixture: Fixture;

t.before(async () => {
  fixture = await makeFixture({ replicas: 3 });
});

t.teardown(() => fixture.close());

/** The images of a dataset, mirrored pixel by pixel. */
async function mirrored(dataset: Dataset): Promise<ArrayDataset> {
  const { length, imageShape, classes, labels } = dataset;
  const samples = await readSamples(
    dataset,
    Array.from({ length }, (_, row) => row),
  );
  const pixels = Buffer.concat(
    samples.map(({ pixels }) => pixels.map((_, i) => pixels[i - (i % 28) + 27 - (i % 28)])),
  );
  return ArrayDataset.from({ pixels, labels, imageShape, classes });
}

const meanOf = (...all: readonly ArrayLike<number>[]): number[] =>
  Array.from(all[0], (_, i) => all.reduce((sum, values) => sum + values[i], 0) / all.length);

t.test('as in the lessons: the mean of the logits of the images and of the mirrored images', async t => {
  const { learn, valid } = fixture;
  const plain = await learn.getPreds();
  const flipped = await learn.getPreds({ dataset: await mirrored(valid) });
  t.ok(distance(plain.preds.data, flipped.preds.data) > 0.1, 'mirroring matters');
  const tta = await learn.tta();
  t.ok(distance(tta.preds.data, meanOf(plain.preds.data, flipped.preds.data)) < 1e-5);
  t.same([tta.targets, tta.indices, tta.preds.shape], [plain.targets, plain.indices, plain.preds.shape]);

  const [own, other] = [softmax(plain.preds).data, softmax(flipped.preds).data];
  const probabilities = await learn.tta({ average: 'probabilities' });
  t.ok(distance(probabilities.preds.data, meanOf(own, other)) < 1e-6);
  const weighted = await learn.tta({ average: 'probabilities', beta: 0.9 });
  t.ok(
    distance(
      weighted.preds.data,
      own.map((value, i) => 0.9 * value + 0.1 * other[i]),
    ) < 1e-6,
  );
  const three = await learn.tta({ transforms: [horizontalFlip({ p: 1 }), horizontalFlip({ p: 0 })] });
  t.ok(distance(three.preds.data, meanOf(plain.preds.data, flipped.preds.data, plain.preds.data)) < 1e-5);
});

t.test('as in fastai: n passes drawn anew, and a share of the plain one', async t => {
  const { learn } = fixture;
  const transforms = [horizontalFlip({ p: 0.5 })];
  const pass = async (epoch: number): Promise<Float32Array> => {
    const draw = recorder([], ['beforeBatch'], {
      beforeBatch: own => {
        own.batch = { ...own.batch, epoch };
      },
    });
    return softmax((await learn.getPreds({ cbs: [draw, new BatchTransformCB(transforms)] })).preds).data;
  };
  const passes = [await pass(0), await pass(1), await pass(2), await pass(3)];
  t.ok(new Set(passes.map(data => data.join())).size > 1, 'the passes differ');
  const plain = softmax((await learn.getPreds()).preds).data;
  const augmented = meanOf(...passes);
  const expected = augmented.map((value, i) => value + 0.25 * (plain[i] - value));
  const tta = await learn.tta({ n: 4, transforms });
  t.ok(distance(tta.preds.data, expected) < 1e-6);
  t.same((await learn.tta({ n: 4, transforms })).preds, tta.preds, 'and can be repeated');
  const highest = await learn.tta({ n: 4, transforms, useMax: true, beta: 0 });
  t.ok(
    distance(
      highest.preds.data,
      passes[0].map((_, i) => Math.max(...passes.map(data => data[i]))),
    ) < 1e-6,
  );
});

t.test('an ensemble is the mean, of the same samples only', async t => {
  const preds = (values: readonly number[], rows = [0, 1]): CapturedPreds => ({
    preds: { data: Float32Array.from(values), shape: [2, 2] },
    targets: Int32Array.of(0, 1),
    indices: Uint32Array.from(rows),
  });
  const list = [preds([1, 2, 3, 4]), preds([3, 2, 1, 0]), preds([5, 8, 2, -1])];
  t.same(ensemblePreds(list).preds, { data: Float32Array.of(3, 4, 2, 1), shape: [2, 2] });
  const soft = list.map(one => softmax(one.preds).data);
  t.ok(distance(ensemblePreds(list, { average: 'probabilities' }).preds.data, meanOf(...soft)) < 1e-7);
  t.throws(() => ensemblePreds([...list, preds([1, 2, 3, 4], [0, 2])]), {
    code: 'E_CONFIG',
    message: /predictions 3/,
  });
  t.throws(() => ensemblePreds([]), { code: 'E_CONFIG' });
});
