/** One training of the table: the model of a plan, on the whole of Fashion-MNIST, with one seed. */
import { BatchSchedCB } from '../../src/callbacks/batch-sched.js';
import { BatchTransformCB } from '../../src/callbacks/batch-transform.js';
import { CheckpointCB } from '../../src/callbacks/checkpoint.js';
import { MetricsCB } from '../../src/callbacks/metrics.js';
import { TrainCB } from '../../src/callbacks/train.js';
import { listCheckpoints } from '../../src/checkpoint/read-files.js';
import '../../src/checkpoint/learner-checkpoints.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import { DataLoaders } from '../../src/data/data-loaders.js';
import { openData } from '../../src/data/open-dataset.js';
import { chooseDevices } from '../../src/engine/devices.js';
import type { CapturedPreds } from '../../src/inference/captured-preds.js';
import '../../src/inference/get-preds.js';
import { Learner } from '../../src/learner/learner.js';
import { Accuracy } from '../../src/learner/metric.js';
import type { MetricsRow } from '../../src/learner/metrics-row.js';
import { adamW } from '../../src/learner/optimizer.js';
import { OneCycleLR } from '../../src/learner/schedules/one-cycle.js';
import { models } from '../../src/models/catalog.js';
import { horizontalFlip, normalize } from '../../src/nn/transform-specs.js';
import type { Plan } from './plans.js';

export interface Machine {
  readonly gpus: string;
  readonly precision: 'fp32' | 'bf16';
}

export interface Training {
  readonly engine: string;
  readonly devices: readonly string[];
  readonly parameters: number;
  readonly epochs: readonly MetricsRow[];
  /** Of all training and validation phases, without set-up and the last predictions. */
  readonly seconds: number;
  /** Logits of the validation images in order, and their classes. */
  readonly plain: CapturedPreds;
  /** Logits of the mirrored images, where the plan wants them. */
  readonly mirrored?: CapturedPreds;
}

/** Of the 60,000 training images, on the scale 0 … 1. */
const normalisation = normalize({ mean: 0.286, std: 0.353 });

/** @param folder for checkpoints: where there are some, the training goes on from them */
export async function trainPlan(
  plan: Plan,
  folder: string,
  seed: number,
  { gpus, precision }: Machine,
  onRow: (row: MetricsRow) => void,
): Promise<Training> {
  const { model, options = {}, epochs, batchSize, lr, transforms = [], labelSmoothing } = plan;
  const data = await openData('fashion-mnist');
  const { engine, devices } = await chooseDevices(gpus, 'auto');
  const coordinator = new Coordinator({
    engine,
    engineSettings: { precision: engine === 'torch' ? precision : 'fp32' },
    devices: devices.map(({ id }) => id),
    recipe: { ...models[model], options: { ...models[model].options, ...options } },
    loss: labelSmoothing === undefined ? undefined : { name: 'crossEntropy', labelSmoothing },
    imageShape: data.train.imageShape,
    classes: data.train.classes,
    seed,
  });
  const dls = DataLoaders.from(data, { batchSize, seed });
  const metrics = new MetricsCB(new Accuracy());
  metrics.addListener(onRow);
  const learn = new Learner(coordinator, dls, {
    lr,
    optFunc: adamW(),
    cbs: [
      new TrainCB(),
      new BatchTransformCB(transforms, { onValid: false }),
      new BatchTransformCB(normalisation),
      metrics,
      new BatchSchedCB((opt, totalSteps) => new OneCycleLR(opt, { maxLr: lr, totalSteps })),
      new CheckpointCB({ folder, saveTopK: 0 }),
    ],
  });
  try {
    const isBegun = (await listCheckpoints(folder)).length > 0;
    await learn.fit(epochs, { resume: isBegun ? folder : undefined });
    const plain = await learn.getPreds();
    const mirror = new BatchTransformCB(horizontalFlip({ p: 1 }));
    return {
      engine,
      devices: coordinator.devices,
      parameters: coordinator.parameters.reduce((n, { size }) => n + size, 0),
      epochs: metrics.history,
      seconds: metrics.history.reduce((sum, row) => sum + row.seconds, 0),
      plain,
      mirrored: plan.mirrored ? await learn.getPreds({ cbs: [mirror] }) : undefined,
    };
  } finally {
    await Promise.all([coordinator.close(), dls.close()]);
  }
}
