/** One training of the table: the model of a plan, on the whole of Fashion-MNIST, with one seed. */
import { BatchSchedCB } from '../../src/callbacks/batch-sched.js';
import { BatchTransformCB } from '../../src/callbacks/batch-transform.js';
import { MetricsCB } from '../../src/callbacks/metrics.js';
import { TrainCB } from '../../src/callbacks/train.js';
import { Coordinator } from '../../src/coordinator/coordinator.js';
import { DataLoaders } from '../../src/data/data-loaders.js';
import { openData } from '../../src/data/open-dataset.js';
import { chooseDevices } from '../../src/engine/devices.js';
import { Callback } from '../../src/learner/callback.js';
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
  /** Of the training alone, without set-up and the last predictions. */
  readonly seconds: number;
  /** float32 [samples, classes], of the validation images in order. */
  readonly logits: Float32Array;
  /** Of the mirrored images, where the plan wants them. */
  readonly mirrored?: Float32Array;
  /** Class indices, [samples]. */
  readonly labels: Int32Array;
}

/** Of the 60,000 training images, on the scale 0 … 1. */
const normalisation = normalize({ mean: 0.286, std: 0.353 });

class LogitsCB extends Callback {
  override readonly needsPredictions = true;
  readonly batches: Float32Array[] = [];

  override afterBatch({ preds }: Learner): void {
    this.batches.push(preds!.data.slice());
  }

  all(): Float32Array {
    return Float32Array.from(this.batches.flatMap(batch => [...batch]));
  }
}

export async function trainPlan(
  plan: Plan,
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
    ],
  });
  try {
    await coordinator.open();
    const since = performance.now();
    await learn.fit(epochs);
    const seconds = (performance.now() - since) / 1000;
    const logits = new LogitsCB();
    await learn.runValidation(dls.valid, [logits]);
    const mirrored = new LogitsCB();
    if (plan.mirrored)
      await learn.runValidation(dls.valid, [mirrored, new BatchTransformCB(horizontalFlip({ p: 1 }))]);
    return {
      engine,
      devices: coordinator.devices,
      parameters: coordinator.parameters.reduce((n, { size }) => n + size, 0),
      epochs: metrics.history,
      seconds,
      logits: logits.all(),
      mirrored: plan.mirrored ? mirrored.all() : undefined,
      labels: data.valid.labels,
    };
  } finally {
    await Promise.all([coordinator.close(), dls.close()]);
  }
}
