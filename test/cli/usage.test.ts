/** Bad input: three lines that name what was wrong, where and what to do; the exit code; nothing left running. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { imageFolder } from '../fixtures/images.js';
import { trainCommand } from './command.js';

const folder = t.testdir({
  'no-default.mjs': 'export const model = 1;',
  'wrong-shape.mjs': `export default {
    model: (tf, { imageShape }) => tf.sequential({ layers: [
      tf.layers.flatten({ inputShape: [...imageShape] }), tf.layers.dense({ units: 3 }) ] }),
  };`,
  'throws.mjs': `export default { model() { throw new Error('no model today'); } };`,
  'not-a-model.mjs': 'export default { model: () => 42 };',
  empty: {},
});

interface Case {
  readonly args: readonly string[];
  readonly code: number;
  /** Of the three lines. */
  readonly says: readonly RegExp[];
}

const cases: Record<string, Case> = {
  'unknown option': {
    args: ['--epoch', '3'],
    code: 2,
    says: [/E_CONFIG {2}there is no option --epoch/, /from --epoch/, /did you mean --epochs\?/],
  },
  'option without its value': { args: ['--lr'], code: 2, says: [/E_CONFIG.*--lr/] },
  'no number': { args: ['--epochs', 'many'], code: 2, says: [/E_CONFIG.*epochs/, /from --epochs/, /--help/] },
  'zero epochs': { args: ['--epochs', '0'], code: 2, says: [/E_CONFIG.*epochs/] },
  '--gpus 0': { args: ['--gpus', '0'], code: 2, says: [/E_CONFIG/, /--gpus 0/] },
  'a device named twice': { args: ['--gpus', '0,0'], code: 2, says: [/E_CONFIG/, /--gpus 0,0/] },
  'a GPU that is not there': {
    args: ['--gpus', '7,8', '--engine', 'wasm'],
    code: 3,
    says: [/E_DEVICE/, /--gpus 7,8/],
  },
  'unknown engine': { args: ['--engine', 'torch3'], code: 2, says: [/E_CONFIG.*engine/] },
  'an engine that is not installed': {
    args: ['--engine', 'tensorflow'],
    code: 3,
    says: [/E_DEVICE.*tensorflow/, /npm install/],
  },
  'batch smaller than replicas': {
    args: ['--gpus', '3', '--batch-size', '2'],
    code: 2,
    says: [/E_CONFIG.*batch of 2.*3 replicas/, /from --batch-size/, /at least 3/],
  },
  'no such folder': {
    args: ['--data', 'no/such/folder'],
    code: 2,
    says: [/E_DATASET.*no\/such\/folder/, /→/],
  },
  'empty folder': { args: ['--data', join(folder, 'empty')], code: 2, says: [/E_DATASET/, /empty/] },
  'no such recipe': { args: ['--recipe', 'nowhere.mjs'], code: 2, says: [/E_RECIPE.*nowhere\.mjs/] },
  'recipe and model': { args: ['--recipe', 'a.mjs', '--model', 'mlp'], code: 2, says: [/E_CONFIG.*both/] },
  'unknown model': { args: ['--model', 'resnet5'], code: 2, says: [/E_CONFIG.*resnet5/, /resnet4/] },
  'options that are no JSON': {
    args: ['--options', '{hidden'],
    code: 2,
    says: [/E_CONFIG.*JSON/, /--options/],
  },
  'recipe without default export': {
    args: ['--recipe', join(folder, 'no-default.mjs')],
    code: 2,
    says: [/E_RECIPE.*default export/, /no-default\.mjs/, /defineRecipe/],
  },
  'recipe that throws': {
    args: ['--recipe', join(folder, 'throws.mjs')],
    code: 2,
    says: [/E_RECIPE.*no model today/, /throws\.mjs/],
  },
  'recipe that returns no model': {
    args: ['--recipe', join(folder, 'not-a-model.mjs')],
    code: 2,
    says: [/E_RECIPE.*number, not a tf\.LayersModel/],
  },
  'recipe of the wrong output shape': {
    args: ['--recipe', join(folder, 'wrong-shape.mjs')],
    code: 2,
    says: [/E_RECIPE.*\[null, 3\].*10 classes/, /units: 10/],
  },
};

// Each is a process of its own: one a core.
t.jobs = 2;
for (const [name, { args, code, says }] of Object.entries(cases)) {
  t.test(name, { buffered: true }, async t => {
    const out = join(t.testdir(), 'run');
    const ended = await trainCommand(
      [...args, '--gpus', '1', '--out', out].slice(0, args.includes('--gpus') ? -4 : undefined),
    );
    t.equal(ended.code, code, ended.stderr);
    for (const line of says) t.match(ended.stderr, line);
    t.notMatch(ended.stderr, /\n {4}at /, 'no stack without --debug');
    t.equal(ended.stdout, '');
  });
}

t.test('images that cannot be used are named', async t => {
  const make = async (spoil: (folder: string) => void): Promise<string> => {
    const folder = await imageFolder(join(t.testdir(), String(Math.random())));
    spoil(folder);
    return folder;
  };
  const args = ['--model', 'mlp', '--batch-size', '8', '--epochs', '1'];
  const run = (data: string, ...more: string[]) =>
    trainCommand([...args, '--data', data, '--out', join(data, '..', `run-${Math.random()}`), ...more]);

  const text = await make(folder => writeFileSync(join(folder, 'dark', '3.png'), 'not an image'));
  const ended = await run(text);
  t.equal(ended.code, 1);
  t.match(ended.stderr, /E_SAMPLE.*dark\/3\.png/);

  const cut = await make(folder => {
    const path = join(folder, 'bright', '5.png');
    writeFileSync(path, readFileSync(path).subarray(0, -20));
  });
  const cutEnded = await run(cut);
  t.equal(cutEnded.code, 1);
  t.match(cutEnded.stderr, /E_SAMPLE.*bright\/5\.png/);

  const empty = await make(folder => mkdirSync(join(folder, 'nothing')));
  const emptyEnded = await run(empty);
  t.equal(emptyEnded.code, 2);
  t.match(emptyEnded.stderr, /E_DATASET.*nothing/);

  const mixed = await make(() => {});
  await imageFolder(join(mixed, 'more'), { perClass: 1, size: 10 });
  renameSync(join(mixed, 'more', 'bright', '0.png'), join(mixed, 'bright', 'large.png'));
  rmSync(join(mixed, 'more'), { recursive: true });
  const mixedEnded = await run(mixed);
  t.equal(mixedEnded.code, 1);
  t.match(mixedEnded.stderr, /E_SAMPLE.*large\.png/);
  const resized = await run(mixed, '--image-size', '8x8');
  t.equal(resized.code, 0, resized.stderr);
});

t.test('help, version and devices go to stdout', async t => {
  const [help, all, version, devices] = await Promise.all(
    ['--help', '--help-all', '--version', '--list-devices'].map(flag => trainCommand([flag])),
  );
  t.match(help.stdout, /--gpus <n\|list\|all\|cpu:n>/);
  t.notMatch(help.stdout, /--stall-timeout/);
  t.match(all.stdout, /--stall-timeout <seconds>.*\[120\]/);
  t.match(all.stdout, /130 {2}stopped by Ctrl-C/);
  t.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  t.match(devices.stdout, /wasm +wasm:0/);
  for (const { code, stderr } of [help, all, version, devices]) t.strictSame([code, stderr], [0, '']);
});

t.test('a run folder that holds something is never written to', async t => {
  const out = t.testdir({ 'summary.json': '{}' });
  const ended = await trainCommand(['--model', 'mlp', '--epochs', '1', '--out', out]);
  t.equal(ended.code, 2);
  t.match(ended.stderr, /E_RUN_FOLDER.*not empty/);
  t.strictSame(readdirSync(out), ['summary.json']);
});

t.test('--dry-run writes nothing', async t => {
  const out = join(t.testdir(), 'run');
  const ended = await trainCommand(['--model', 'mlp', '--gpus', '2', '--dry-run', '--out', out]);
  t.equal(ended.code, 0, ended.stderr);
  t.match(ended.stderr, /dry run: nothing written/);
  t.notOk(existsSync(out));
});
