/** From --gpus and --engine to devices. */
import t from 'tap';
import { chooseDevices, listDevices } from '../../src/engine/devices.js';
import { parseGpuSpec } from '../../src/engine/gpu-spec.js';
import { visibleGpus } from '../../src/engine/gpus.js';
import { chooseEngine } from '../../src/engine/registry.js';
import { installedTensorflow } from '../../src/engine/tensorflow/packages.js';
import { isAddonBuilt } from '../../src/engine/torch/addon.js';

const ids = (choice: Awaited<ReturnType<typeof chooseDevices>>) => choice.devices.map(({ id }) => id);

t.test('the forms of --gpus', async t => {
  t.same(parseGpuSpec('3'), { kind: 'count', count: 3 });
  t.same(parseGpuSpec('0,2'), { kind: 'list', indices: [0, 2] });
  t.same(parseGpuSpec('1,'), { kind: 'list', indices: [1] });
  t.same(parseGpuSpec('all'), { kind: 'all' });
  t.same(parseGpuSpec('cpu:5'), { kind: 'cpu', count: 5 });
  for (const bad of ['0', 'cpu:0', '-1', '', 'x', '1.5', '0,0', '0,,1', 'gpu:1', 'cpu', '1000']) {
    t.throws(
      () => parseGpuSpec(bad),
      { code: 'E_CONFIG', where: `--gpus ${bad}`, hint: /cpu:3/ },
      `"${bad}"`,
    );
  }
});

t.test('without GPUs, CPU devices stand in for a number of them, and a sentence says so', async t => {
  const choice = await chooseDevices('3', 'wasm');
  t.same(ids(choice), ['wasm:0', 'wasm:1', 'wasm:2']);
  t.match(choice.note, /No GPU.*3 CPU devices stand in/);
  t.same(ids(await chooseDevices('2', 'cpu')), ['cpu:0', 'cpu:1']);
  t.match((await chooseDevices('all', 'wasm')).note, /stand/);
});

t.test(
  'CPU devices that were asked for need no excuse; GPUs asked for by index do not get replaced',
  async t => {
    const choice = await chooseDevices('cpu:2', 'wasm');
    t.same(ids(choice), ['wasm:0', 'wasm:1']);
    t.equal(choice.note, undefined);
    await t.rejects(chooseDevices('0,2', 'wasm'), {
      code: 'E_DEVICE',
      where: '--gpus 0,2',
      hint: /--list-devices/,
    });
  },
);

t.test('engines', async t => {
  t.equal((await chooseEngine('auto', 3)).name, isAddonBuilt() ? 'torch' : 'wasm');
  await t.rejects(chooseEngine('torhc'), { code: 'E_CONFIG', hint: /auto, torch, tensorflow, wasm, cpu/ });
  const rows = await listDevices();
  t.ok(rows.some(({ id, description }) => id === 'wasm:0' && description.length > 3));
});

const skip = installedTensorflow() ? 'a TensorFlow binding is installed here' : false;

t.test('the tensorflow engine says what it lacks', { skip }, async t => {
  const row = (await listDevices()).find(({ engine }) => engine === 'tensorflow');
  t.match(row?.unavailable, { reason: /tfjs-node/, hint: /npm install/ });
  await t.rejects(chooseDevices('1', 'tensorflow'), { code: 'E_DEVICE', hint: /npm install/ });
});

t.test('CUDA_VISIBLE_DEVICES hides and orders GPUs as CUDA does', async t => {
  const gpus = ['A', 'B', 'C'].map(name => ({ name, memoryMiB: 1024 }));
  t.same(visibleGpus(gpus, undefined).length, 3);
  t.same(visibleGpus(gpus, '2,0'), [
    { index: 0, name: 'C', memoryMiB: 1024 },
    { index: 1, name: 'A', memoryMiB: 1024 },
  ]);
  t.same(visibleGpus(gpus, '1,7,0'), [{ index: 0, name: 'B', memoryMiB: 1024 }]);
  t.same(visibleGpus(gpus, ''), []);
  t.same(visibleGpus(gpus, '-1'), []);
});
