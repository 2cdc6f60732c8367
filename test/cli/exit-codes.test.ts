/** How the program ends: its exit code, in time, by itself, with nothing half written. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { exitCodes } from '../../src/cli/exit-codes.js';
import { type Ended, trainCommand } from './command.js';

/** A recipe whose loss does this once it was asked for often enough: six times an epoch, below. */
const recipe = (fault: string): string => `
let calls = 0;
export default {
  model: (tf, { imageShape, classes }) => tf.sequential({ layers: [
    tf.layers.flatten({ inputShape: [...imageShape] }), tf.layers.dense({ units: classes.length }) ] }),
  loss(tf, predictions, targets) {
    if (++calls > 8) { ${fault} }
    return tf.mean(tf.square(tf.sub(predictions, tf.oneHot(targets, predictions.shape[1]))));
  },
};`;
const recipes = {
  hanging: `console.log('it hangs'); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`,
  exiting: 'process.exit(3);',
};
const small = ['--engine', 'wasm', '--batch-size', '64', '--limit-batches', '3', '--epochs', '3'];

interface Run extends Ended {
  readonly out: string;
  /** From the last that the log says to the end of the process, in ms. */
  readonly lingeredMs: number;
}

/** @param model one of `recipes`, or a model by name */
async function run(
  t: Test,
  model: string,
  args: readonly string[],
  onError?: Parameters<typeof trainCommand>[1],
): Promise<Run> {
  const files = Object.entries(recipes).map(([name, fault]) => [`${name}.mjs`, recipe(fault)]);
  const folder = t.testdir(Object.fromEntries(files));
  const out = join(folder, 'run');
  const named = model in recipes ? ['--recipe', join(folder, `${model}.mjs`)] : ['--model', model];
  const ended = await trainCommand([...small, ...named, '--out', out, ...args], onError);
  const endedAt = Date.now();
  const log = join(out, 'log.jsonl');
  const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  return { ...ended, out, lingeredMs: lines.length > 0 ? endedAt - JSON.parse(lines.at(-1) ?? '').time : 0 };
}

/** Sends a signal once each text is seen on stderr, in turn. */
function signals(...plan: [RegExp, NodeJS.Signals][]): Parameters<typeof trainCommand>[1] {
  const left = [...plan];
  return (stderr, kill) => {
    const [next] = left;
    if (next === undefined || !next[0].test(stderr)) return;
    left.shift();
    kill(next[1]);
  };
}

function endedWith(t: Test, expected: number, { code, out, lingeredMs, stderr }: Run): void {
  t.equal(code, expected, stderr);
  const files = existsSync(out) ? readdirSync(out, { recursive: true }).map(String) : [];
  t.same(
    files.filter(name => name.endsWith('.tmp')),
    [],
    'nothing half written',
  );
  // Two seconds where nothing else runs.
  t.ok(lingeredMs < 6000, `the process was gone ${lingeredMs} ms after its last word`);
  t.notMatch(stderr, /Unhandled|\n {4}at /);
}

// Each is a process of its own: one a core.
t.jobs = 2;
const test = (name: string, body: (t: Test) => Promise<void>) => t.test(name, { buffered: true }, body);

test('0: done', async t => {
  const ended = await run(t, 'mlp', []);
  endedWith(t, exitCodes.done, ended);
  t.notMatch(ended.stderr, /--resume/);
});

test('1: a thread that ends in the middle of a step', async t => {
  const ended = await run(t, 'exiting', ['--gpus', '2']);
  endedWith(t, exitCodes.failed, ended);
  t.match(ended.stderr, /E_REPLICA/);
});

test('2: a wrong option', async t => {
  endedWith(t, exitCodes.usage, await run(t, 'mlp', ['--grace', 'long']));
});

test('3: no such device', async t => {
  endedWith(t, exitCodes.device, await run(t, 'mlp', ['--gpus', '7,8']));
});

test('4: a replica that hangs; what it had done before is saved', async t => {
  const ended = await run(t, 'hanging', ['--stall-timeout', '2']);
  endedWith(t, exitCodes.stalled, ended);
  t.match(ended.stderr, /saved +1 epoch, 3 steps; to go on: --resume/);
});

test('5: NaN', async t => {
  const args = ['--optimizer', 'sgd', '--schedule', 'constant', '--lr', '1e30'];
  const ended = await run(t, 'mlp', args);
  endedWith(t, exitCodes.diverged, ended);
  t.match(ended.stderr, /E_DIVERGED/);
});

for (const [signal, code] of [
  ['SIGINT', exitCodes.interrupted],
  ['SIGTERM', exitCodes.terminated],
] as const) {
  test(`${code}: ${signal} ends the run after the step, and what was learnt is saved`, async t => {
    const ended = await run(t, 'mlp', ['--epochs', '500', '--gpus', '2'], signals([/\n +1 /, signal]));
    endedWith(t, code, ended);
    t.match(ended.stderr, /stopping after this step/);
    t.match(ended.stderr, /saved .* to go on: --resume/);
    t.match(JSON.parse(readFileSync(join(ended.out, 'summary.json'), 'utf8')), { stopped: true });
    t.ok(readdirSync(ended.out).includes('model.json'));
  });
}

test('130: a second Ctrl-C does not wait for the step; what was saved before stays', async t => {
  const plan = signals([/it hangs/, 'SIGINT'], [/Ctrl-C again stops now/, 'SIGINT']);
  const ended = await run(t, 'hanging', [], plan);
  endedWith(t, exitCodes.interrupted, ended);
  t.match(ended.stderr, /saved +1 epoch, 3 steps; to go on: --resume/);
  t.notMatch(ended.stderr, /✖/, 'it was asked for');
});

test('143: a SIGTERM whose grace is over', async t => {
  const ended = await run(t, 'hanging', ['--grace', '0.5'], signals([/it hangs/, 'SIGTERM']));
  endedWith(t, exitCodes.terminated, ended);
  t.match(ended.stderr, /SIGTERM: stopping after this step/);
  t.match(ended.stderr, /saved +1 epoch, 3 steps/);
});

t.test('all codes there are', t => {
  const tested = [0, 1, 2, 3, 4, 5, 130, 143];
  t.same(
    Object.values(exitCodes).filter(code => !tested.includes(code)),
    [],
  );
  t.end();
});
