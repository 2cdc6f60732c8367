/** Checkpoints on disk: whole or not at all, damage told and the one before it offered; `learn.save` and `learn.load`. */
import { mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readTensorFile } from '../../src/checkpoint/read-files.js';
import { weightsOf } from '../fixtures/coordinators.js';
import { makeRun } from './runs.js';

const run = makeRun({ replicas: 1 });
t.teardown(run.close);

t.test('save and load: weights, moving statistics, optimizer', async t => {
  const path = join(t.testdir(), 'deep', 'mine');
  await run.learner.fit(1);
  await run.learner.save(path);
  t.strictSame(readdirSync(join(path, '..')).sort(), ['mine.json', 'mine.safetensors']);
  const saved = await weightsOf(run.coordinator);
  const { optimizer } = await run.coordinator.getState({ optimizer: true });
  const { tensors } = await readTensorFile(`${path}.safetensors`);
  const [first] = run.coordinator.parameters;
  t.same(tensors.get(first.name)?.shape, first.shape, 'parameters stand under their own names');
  t.ok(tensors.has(`optim/${first.name}/${Object.keys(optimizer?.buffers ?? {})[0]}`));

  await run.learner.fit(1);
  t.notSame(await weightsOf(run.coordinator), saved);
  const report = await run.learner.load(path);
  t.equal(report.optimizer, true);
  t.equal(report.taken.length, run.coordinator.parameters.length + run.coordinator.buffers.length);
  t.same(await weightsOf(run.coordinator), saved);
  t.same((await run.coordinator.getState({ optimizer: true })).optimizer, optimizer);
});

t.test('into a model with another head: refused, all of it listed, unless what fits will do', async t => {
  const path = join(t.testdir(), 'mine');
  await run.learner.save(path, { optimizer: false });
  const other = makeRun({ replicas: 1, model: 'plain-recipe' });
  t.teardown(other.close);
  await other.coordinator.open();
  const before = await weightsOf(other.coordinator);
  const refused = await other.learner.load(path, { optimizer: false }).catch(error => error);
  t.match(refused, { code: 'E_CHECKPOINT', message: /kernel is \[\d.*\], not \[36, 8\]/ });
  t.match(refused.message, /is missing/);
  t.match(refused.message, /is not in the model/);
  t.same(await weightsOf(other.coordinator), before);
  // A plain file, as other programs write it: no JSON beside it.
  rmSync(`${path}.json`);
  const report = await other.learner.load(`${path}.safetensors`, { optimizer: false, strict: false });
  t.ok(report.taken.length + report.missing.length + report.mismatched.length === 4, JSON.stringify(report));
  t.equal(report.optimizer, false);
});

t.test(
  'a damaged checkpoint is refused with the reason, and the newest good one of the folder offered',
  async t => {
    const folder = t.testdir();
    const good = join(folder, 'good');
    const bad = join(folder, 'bad');
    await run.learner.save(good);
    const spoil: [string, () => void, RegExp][] = [
      [
        'cut off',
        () => truncateSync(`${bad}.safetensors`, 900),
        /bad\.safetensors is damaged: it has 900 bytes/,
      ],
      [
        'one bit',
        () => {
          const bytes = readFileSync(`${bad}.safetensors`);
          bytes[bytes.length - 3] ^= 4;
          writeFileSync(`${bad}.safetensors`, bytes);
        },
        /SHA-256/,
      ],
      ['no tensors', () => rmSync(`${bad}.safetensors`), /bad\.safetensors cannot be read/],
      [
        'a field of another kind',
        () =>
          writeFileSync(
            `${bad}.json`,
            readFileSync(`${bad}.json`, 'utf8').replace('"batch": 0', '"batch": -1'),
          ),
        /position\.batch/,
      ],
      [
        'of a later version',
        () =>
          writeFileSync(
            `${bad}.json`,
            readFileSync(`${bad}.json`, 'utf8').replace('"version": 1', '"version": 2'),
          ),
        /a later version of gradring wrote .* its format is 2, and 1 is known/,
      ],
      [
        'of another program',
        () => writeFileSync(`${bad}.json`, '{"model": []}'),
        /no checkpoint of gradring/,
      ],
      ['no JSON', () => writeFileSync(`${bad}.json`, '{"format"'), /bad\.json cannot be read/],
    ];
    for (const [name, damage, says] of spoil) {
      await run.learner.save(bad);
      damage();
      const refusal = { code: 'E_CHECKPOINT', message: says, hint: `use the one before it: ${good}` };
      await t.rejects(run.learner.readCheckpoint(bad), refusal, name);
      await t.rejects(run.learner.readCheckpoint(folder), refusal, `${name}: not passed over as the newest`);
    }
    await run.learner.save(join(folder, 'newer'));
    t.equal(
      (await run.learner.readCheckpoint(folder)).name,
      join(folder, 'newer'),
      'an older one is not in the way',
    );
    rmSync(join(folder, 'newer.json'));
    rmSync(`${bad}.json`);
    t.equal((await run.learner.readCheckpoint(folder)).name, good, 'one whose writing was cut off is none');
    await t.rejects(run.learner.readCheckpoint(t.testdir()), {
      code: 'E_CHECKPOINT',
      message: /no complete/,
    });
  },
);

t.test('a folder that cannot be written is told, and leaves nothing half done', async t => {
  const folder = t.testdir({ file: 'in the way' });
  await t.rejects(run.learner.save(join(folder, 'file', 'mine')), {
    code: 'E_CHECKPOINT',
    message: /cannot be written/,
  });
  t.strictSame(readdirSync(folder), ['file']);
});

t.test('what fails at its second file leaves the checkpoint of that name as it was', async t => {
  const folder = t.testdir();
  const path = join(folder, 'mine');
  await run.learner.save(path);
  const before = readFileSync(`${path}.safetensors`);
  await run.learner.fit(1);
  mkdirSync(`${path}.json.tmp`);
  await t.rejects(run.learner.save(path), { code: 'E_CHECKPOINT', message: /EISDIR/ });
  t.ok(before.equals(readFileSync(`${path}.safetensors`)));
  await run.learner.readCheckpoint(path);
  t.notOk(readdirSync(folder).includes('mine.safetensors.tmp'));
});
