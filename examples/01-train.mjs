// A whole run in one call: what `node scripts/train.js` does, without the command line.
import assert from 'node:assert/strict';
import { train } from 'gradring';

const summary = await train(
  {
    data: 'sample',
    model: 'mlp',
    gpus: 'cpu:2',
    epochs: 1,
    batchSize: 128,
    lr: 0.01,
    // An absent or empty folder; without it the next number under runs/.
    out: process.argv[2],
  },
  {
    onStart: ({ devices, model }) =>
      console.log(`${model.name}, ${model.parameters} parameters, on ${devices.join(', ')}`),
    onEpoch: ({ epoch, trainLoss, validLoss, accuracy }) =>
      console.log(`epoch ${epoch}: loss ${trainLoss}, valid loss ${validLoss}, accuracy ${accuracy}`),
  },
);

console.log(`model in ${summary.folder}`);
assert(summary.accuracy > 0.75, `accuracy ${summary.accuracy} is not above 0.75`);
assert.equal(new Set(summary.replicaChecksums).size, 1, 'both replicas hold the same weights');
