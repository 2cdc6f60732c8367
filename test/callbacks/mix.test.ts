/** MixUpCB and CutMixCB, alone and on replicas. */
import t from 'tap';
import { BatchTransformCB } from '../../src/callbacks/batch-transform.js';
import { CutMixCB, MixUpCB } from '../../src/callbacks/mix.js';
import { TrainCB } from '../../src/callbacks/train.js';
import { Learner } from '../../src/learner/learner.js';
import { sgd } from '../../src/learner/optimizer.js';
import { horizontalFlip, normalize, randErase, randomCrop } from '../../src/nn/transform-specs.js';
import type { Batch } from '../../src/protocol/batch.js';
import { loaderOf, slicesOf, syntheticRing } from '../fixtures/batches.js';
import { makeCoordinator } from '../fixtures/coordinators.js';
import { FakeLoader, FakeRunner } from '../learner/fake-runner.js';

t.test('training batches carry the mix, validation batches do not', async t => {
  for (const [callback, mix] of [
    [new MixUpCB(), { kind: 'mixup', alpha: 0.4 }],
    [new CutMixCB({ alpha: 0.7 }), { kind: 'cutmix', alpha: 0.7 }],
  ] as const) {
    const runner = new FakeRunner();
    const loader = new FakeLoader([[0], [1]]);
    const learn = new Learner(runner, { train: loader, valid: loader }, { cbs: [new TrainCB(), callback] });
    await learn.fit(1);
    t.same(
      runner.batches.map(batch => batch.mix),
      [mix, mix, undefined, undefined],
    );
  }
  for (const alpha of [0, -1, Number.NaN]) {
    t.throws(() => new MixUpCB({ alpha }), { code: 'E_CONFIG', where: 'MixUpCB' });
    t.throws(() => new CutMixCB({ alpha }), { code: 'E_CONFIG', where: 'CutMixCB' });
  }
});

const transforms = [
  randomCrop({ padding: 1, perItem: true }),
  horizontalFlip({ perItem: true }),
  randErase({ maxNum: 2 }),
];
const normalisation = normalize({ mean: [0.5], std: [0.3] });

/** Weights after two epochs, inputs of a training and of a validation batch. */
async function trained(replicas: number) {
  const labelSmoothing = 0.1;
  const runner = makeCoordinator(replicas, {
    loss: { name: 'crossEntropy', labelSmoothing },
    verify: 'step',
  });
  try {
    const train = loaderOf(slicesOf(syntheticRing(25), [11, 9, 5]));
    const losses: number[] = [];
    const seen: Batch[] = [];
    const learn = new Learner(
      runner,
      { train, valid: train },
      {
        lr: 0.3,
        optFunc: sgd({ momentum: 0.9 }),
        cbs: [
          new TrainCB(),
          new BatchTransformCB(transforms, { onValid: false }),
          new BatchTransformCB(normalisation),
          new MixUpCB({ alpha: 1 }),
          {
            order: 5,
            afterBatch(l: Learner) {
              losses.push(l.loss);
              seen.push(l.batch);
            },
          } as never,
        ],
      },
    );
    await learn.fit(2);
    const [inputs, plain] = [
      await runner.inputs(seen[0], { training: true }).then(({ data }) => [...data]),
      await runner.inputs(seen[0], { training: false }).then(({ data }) => [...data]),
    ];
    return { losses, inputs, plain, parameters: (await runner.getState()).parameters };
  } finally {
    await runner.close();
  }
}

t.test('one replica and three see the same images and learn the same', async t => {
  const [one, three] = [await trained(1), await trained(3)];
  t.same(three.inputs, one.inputs, 'bit for bit, mixed with partners of any shard');
  t.same(three.plain, one.plain);
  t.not(`${one.plain}`, `${one.inputs}`);
  t.equal(one.losses.length, 12);
  for (const [i, loss] of three.losses.entries())
    t.ok(Math.abs(loss - one.losses[i]) < 1e-5 * loss, `loss ${i}: ${loss}, alone ${one.losses[i]}`);
  const worst = Math.max(...three.parameters.map((value, i) => Math.abs(value - one.parameters[i])));
  t.ok(worst < 1e-5, `weights differ by ${worst}`);
});
