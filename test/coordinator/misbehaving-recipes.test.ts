/** Recipes that do what none should: the run ends with the replica, the phase and what to look at, or goes on. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import type { Coordinator } from '../../src/coordinator/coordinator.js';
import type { CoordinatorOptions } from '../../src/coordinator/coordinator-options.js';
import { isAddonBuilt } from '../../src/engine/torch/addon.js';
import { threadUrl } from '../../src/thread-url.js';
import { batchOf, syntheticRing } from '../fixtures/batches.js';
import { makeCoordinator, sgdSettings, sgdSpec } from '../fixtures/coordinators.js';

const ring = syntheticRing(6);
const model = `const model = (tf, { imageShape, classes }) => tf.sequential({ layers: [
  tf.layers.flatten({ inputShape: [...imageShape] }), tf.layers.dense({ units: classes.length }) ] });`;

const recipeOf = (recipe: string) => ({
  url: `data:text/javascript,${encodeURIComponent(`${model} export default { ${recipe} };`)}`,
  options: {},
});

/** A recipe whose transform `mine`, called on every replica in every step, does this first. */
const inStep = (does: string): string => `model, transforms: { mine(tf, x) { ${does}; return x; } }`;

interface Outcome {
  readonly error?: Error;
  readonly losses: readonly number[];
  /** Characters printed. */
  readonly printed: number;
}

/** Trains three steps on two replicas. */
async function outcomeOf(recipe: string, options: Partial<CoordinatorOptions> = {}): Promise<Outcome> {
  let printed = 0;
  const onOutput = (_replica: number, text: string): void => {
    printed += text.length;
  };
  const coordinator = makeCoordinator(2, { engine: 'cpu', recipe: recipeOf(recipe), onOutput, ...options });
  const losses: number[] = [];
  const error = await train(coordinator, recipe, losses).then(
    () => undefined,
    reason => reason as Error,
  );
  // Resolves only when every thread has exited; by then all that was printed has come.
  await coordinator.close();
  return { error, losses, printed };
}

async function train(coordinator: Coordinator, recipe: string, losses: number[]): Promise<void> {
  await coordinator.open();
  await coordinator.setOptimizer(sgdSpec(coordinator));
  const transforms = recipe.includes('mine(') ? [{ name: 'mine' }] : [];
  for (let index = 0; index < 3; index++) {
    const batch = batchOf(ring, 6, { index, transforms });
    const { loss } = await coordinator.trainBatch(batch, sgdSettings(0.001));
    losses.push(loss.sum / loss.count);
  }
}

t.jobs = 2;
const test = (name: string, run: (t: Test) => Promise<void>) => t.test(name, { buffered: true }, run);

interface Ending {
  readonly recipe: string;
  readonly options?: Partial<CoordinatorOptions>;
  readonly error: Record<string, unknown>;
  readonly skip?: string | false;
}

const endings: Record<string, Ending> = {
  'a timer throws while model() is awaited': {
    recipe: `async model() {
      setTimeout(() => { throw new Error('boom'); });
      await new Promise(resolve => setTimeout(resolve, 60_000));
    }`,
    error: { code: 'E_REPLICA', phase: 'start', message: /while starting: boom/, hint: /timer or a promise/ },
  },
  'a promise of model() is rejected, and nobody awaits it': {
    recipe: `model(...args) { Promise.reject(new Error('boom')); return model(...args); }`,
    error: { code: 'E_REPLICA', message: /boom/, hint: /await it, or catch/ },
  },
  'model() awaits what never comes': {
    recipe: 'model: () => new Promise(() => {})',
    error: { code: 'E_REPLICA', phase: 'start', where: /^data:text/, hint: /awaits what never comes/ },
  },
  'model() never returns': {
    recipe: 'model() { for (;;); }',
    options: { startTimeoutMs: 1500 },
    error: { code: 'E_STALL', phase: 'start', where: /^data:text/, hint: /model\(\)/, message: /replica \d/ },
  },
  'model() ends its thread': {
    recipe: 'model() { process.exit(0); }',
    error: { code: 'E_REPLICA', phase: 'start', message: /exited with code 0/, hint: /process\.exit/ },
  },
  'model() changes the folder of the process': {
    recipe: `model() { process.chdir('/'); }`,
    error: { code: 'E_RECIPE', message: /chdir\(\) is not supported in workers/, where: /^data:text/ },
  },
  'a timer of a step throws': {
    recipe: inStep(`setTimeout(() => { throw new Error('boom'); })`),
    error: { code: 'E_REPLICA', message: /replica \d \(cpu:\d\).*boom/, hint: /timer or a promise/ },
  },
  'a promise of a step is rejected with a text': {
    recipe: inStep(`Promise.reject('boom')`),
    error: { code: 'E_REPLICA', message: /boom/ },
  },
  'a metric is a promise that never resolves': {
    recipe: 'model, metrics: { slow: () => new Promise(() => {}) }',
    error: { code: 'E_REPLICA', phase: 'loss', cause: { code: 'E_RECIPE', message: /'slow' returned/ } },
  },
  'what is thrown cannot be made a text': {
    recipe: inStep('throw Object.create(null)'),
    error: { code: 'E_REPLICA', phase: 'data' },
  },
  'a recipe writes to the port of its thread': {
    recipe: inStep(`import('node:worker_threads').then(({ parentPort }) => parentPort.postMessage('mine'))`),
    error: { code: 'E_REPLICA', cause: { code: 'E_PROTOCOL' } },
  },
  'a step asks the wasm engine for more than there is': {
    recipe: inStep('tf.zeros([5 * 2 ** 28])'),
    options: { engine: 'wasm' },
    error: {
      code: 'E_REPLICA',
      phase: 'data',
      hint: /smaller batch/,
      cause: { code: 'E_OUT_OF_MEMORY', hint: /smaller batch/ },
    },
  },
  'a step asks the torch engine for more than there is': {
    recipe: inStep('tf.fill([2 ** 40], 1)'),
    options: { engine: 'torch', devices: ['cpu:0', 'cpu:1'] },
    error: { code: 'E_REPLICA', phase: 'data', cause: { code: 'E_OUT_OF_MEMORY', where: /^fill/ } },
    skip: isAddonBuilt() ? false : 'the addon of the torch engine is not built: npm run build:native',
  },
};

for (const [name, { recipe, error, options, skip }] of Object.entries(endings)) {
  t.test(name, { buffered: true, skip }, async t => {
    const outcome = await outcomeOf(recipe, options);
    t.match(outcome.error, error);
  });
}

test('megabytes of print, and a closed stdout, are no reason to end', async t => {
  const quiet = await outcomeOf(inStep(''));
  const loud = await outcomeOf(inStep(`for (let i = 0; i < 40; i++) console.log('x'.repeat(50_000))`));
  t.same(loud.losses, quiet.losses);
  t.equal(loud.printed, 2 * 3 * 40 * 50_001);
  const closed = await outcomeOf(inStep(`process.stdout.end(); console.log('into nothing')`));
  t.same(closed.losses, quiet.losses);
});

test('weights that are NaN from the start: the loss says so', async t => {
  const recipe = `model(tf, context) {
    const made = model(tf, context);
    made.setWeights(made.getWeights().map(weight => tf.mul(weight, NaN)));
    return made;
  }`;
  const { losses } = await outcomeOf(recipe);
  t.same(losses, [Number.NaN, Number.NaN, Number.NaN]);
});

test('a thread whose heap is full ends the run, not the process', async t => {
  const program = fileURLToPath(threadUrl('../fixtures/full-heap', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--max-old-space-size=100', program]);
  t.match(JSON.parse(stdout), {
    code: 'E_REPLICA',
    phase: 'data',
    hint: /--max-old-space-size/,
    cause: { code: 'E_OUT_OF_MEMORY' },
  });
});
