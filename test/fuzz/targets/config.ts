/** Settings of a run, as a program or a saved run hands them in. */
import { strict as assert } from 'node:assert';
import type { TrainOptions } from '../../../src/run/config.js';
import { resolveConfig } from '../../../src/run/resolve-config.js';
import type { FuzzTarget, OpenTarget } from '../target.js';

const settings: readonly TrainOptions[] = [
  {},
  {
    data: 'sample',
    imageSize: [28, 28],
    fit: 'cover',
    channels: 1,
    model: 'mlp',
    options: { hidden: [50] },
    gpus: 'cpu:2',
    epochs: 3,
    batchSize: 64,
    optimizer: 'sgd',
    momentum: 0.9,
    lr: 0.1,
    schedule: 'exponential',
    lrGamma: 0.8,
    augment: true,
    augmentPerItem: true,
    track: ['csv', 'jsonl'],
    seed: 7,
  },
];

const config: FuzzTarget = {
  name: 'config',
  count: 20_000,
  async open(): Promise<OpenTarget> {
    return {
      seeds: settings.map(value => {
        const bytes = Buffer.from(JSON.stringify(value));
        return { bytes, json: { start: 0, length: bytes.length } };
      }),
      jsonOnly: true,
      read(input) {
        const { epochs, lr, batchSize } = resolveConfig(JSON.parse(Buffer.from(input).toString()));
        assert.ok(Number.isInteger(epochs) && epochs > 0);
        assert.ok(Number.isInteger(batchSize) && batchSize > 0);
        assert.ok(Number.isFinite(lr) && lr > 0);
      },
    };
  },
};

export const configTargets: readonly FuzzTarget[] = [config];
