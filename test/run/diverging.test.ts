/** A loss that becomes NaN in the middle of a run ends it with its own code, and leaves a run folder that tells all. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { exitCodeOf, exitCodes } from '../../src/cli/exit-codes.js';
import { train } from '../../src/run/train.js';
import { imageFolder } from '../fixtures/images.js';

const recipe = `let calls = 0;
export default {
  model: (tf, { imageShape, classes }) => tf.sequential({ layers: [
    tf.layers.flatten({ inputShape: [...imageShape] }), tf.layers.dense({ units: classes.length }) ] }),
  loss: (tf, logits) => tf.mul(tf.mean(tf.square(logits)), ++calls < 3 ? 1 : NaN),
};`;

t.test('NaN from the third step', async t => {
  const folder = t.testdir({ 'nan.mjs': recipe });
  await imageFolder(join(folder, 'images'));
  const out = join(folder, 'run');
  const options = {
    data: join(folder, 'images'),
    recipe: join(folder, 'nan.mjs'),
    out,
    engine: 'cpu',
  } as const;
  const training = train({ ...options, gpus: 'cpu:2', epochs: 2, batchSize: 4, workers: 0 });
  const error = await training.then(
    () => undefined,
    reason => reason,
  );
  t.match(error, { code: 'E_DIVERGED', step: 3, where: /epoch 1, step 3/ });
  t.equal(exitCodeOf(error), exitCodes.diverged);
  t.match(JSON.parse(readFileSync(join(out, 'FAILED.json'), 'utf8')), { code: 'E_DIVERGED' });
  t.match(readFileSync(join(out, 'log.jsonl'), 'utf8'), /E_DIVERGED/);
  for (const file of ['config.json', 'env.json']) t.ok(existsSync(join(out, file)), file);
  t.same(readdirSync(join(out, 'checkpoints')), ['exception'], 'to be looked at, not to be resumed from');
  t.notOk(
    readdirSync(out).some(name => name.endsWith('.tmp')),
    'nothing unfinished',
  );
});
