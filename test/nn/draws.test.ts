/** Whose draw it is: the batch's, the replica's or the image's, for each of the transforms. */
import type { Tensor4D } from '@tensorflow/tfjs-core';
import t from 'tap';
import { openEngine } from '../../src/engine/registry.js';
import { tf } from '../../src/engine/tf.js';
import { isAddonBuilt } from '../../src/engine/torch/addon.js';
import { type AugmentationKey, applyTransforms, type Transform } from '../../src/nn/augment.js';
import {
  affine,
  brightness,
  contrast,
  type DrawOptions,
  horizontalFlip,
  normalize,
  randCopy,
  randErase,
  randomCrop,
  rotate,
  zoom,
} from '../../src/nn/transform-specs.js';
import type { TransformSpec } from '../../src/protocol/batch.js';
import '../engine/backends.js';

if (isAddonBuilt()) await openEngine('torch', 'cpu:0');
const engines = isAddonBuilt() ? ['wasm', 'cpu', 'torch'] : ['wasm', 'cpu'];

const makers: Readonly<Record<string, (draw: DrawOptions) => TransformSpec>> = {
  randomCrop: draw => randomCrop({ padding: 2, ...draw }),
  horizontalFlip: draw => horizontalFlip(draw),
  brightness: draw => brightness({ p: 1, ...draw }),
  contrast: draw => contrast({ p: 1, ...draw }),
  rotate: draw => rotate({ p: 1, ...draw }),
  zoom: draw => zoom({ p: 1, ...draw }),
  affine: draw => affine({ p: 1, ...draw }),
  randErase: draw => randErase(draw),
  randCopy: draw => randCopy(draw),
};
const key: AugmentationKey = { seed: 3, epoch: 1, index: 4 };
const [count, height, width, channels] = [5, 9, 11, 3];
const images = (): Tensor4D => {
  const values = Array.from({ length: count * height * width * channels }, (_, i) => (71 * i) % 256);
  return tf.tensor4d(values, [count, height, width, channels]);
};

/** The values of each image. */
function run(x: Tensor4D, specs: readonly TransformSpec[], at: AugmentationKey): number[][] {
  const y = applyTransforms(tf, x, [...specs, normalize({ mean: 0.3, std: 0.35 })], at);
  const values = [...y.dataSync()];
  y.dispose();
  const size = values.length / x.shape[0];
  return Array.from({ length: x.shape[0] }, (_, i) => values.slice(i * size, (i + 1) * size));
}

/** As three replicas have them. */
function shards(x: Tensor4D, specs: readonly TransformSpec[], at = key): number[][] {
  const parts = [
    [0, 2],
    [2, 2],
    [4, 1],
  ];
  return parts.flatMap(([offset, size], replica) => {
    const part = tf.slice4d(x, [offset, 0, 0, 0], [size, -1, -1, -1]);
    return run(part, specs, { ...at, size: count, placeOf: i => offset + i, replica });
  });
}

for (const engine of engines) {
  t.test(`${engine}: per batch and per image, three replicas see bit for bit what one does`, async t => {
    await tf.setBackend(engine);
    for (const perItem of [false, true])
      for (let index = 0; index < 3; index++) {
        const specs = Object.values(makers).map(make => make({ perItem }));
        const at = { ...key, index };
        t.same(shards(images(), specs, at), run(images(), specs, at), `perItem ${perItem}, batch ${index}`);
      }
  });
}

t.test(
  'per replica: one draw for its images, another on another replica, the same when drawn again',
  async t => {
    await tf.setBackend('wasm');
    const same = tf.tile(tf.slice4d(images(), [0, 0, 0, 0], [1, -1, -1, -1]), [count, 1, 1, 1]) as Tensor4D;
    for (const [name, make] of Object.entries(makers)) {
      // The noise is of its own in each image whatever is drawn: it shows where patches are, not what is in them.
      if (name === 'randErase') continue;
      const specs = [make({ perReplica: true })];
      const seen = new Set<string>();
      for (let index = 0; index < 8; index++) {
        const [a, b, c, d, e] = shards(same, specs, { ...key, index });
        t.same([b, d], [a, c], `${name}: within replicas 0 and 1`);
        t.same(shards(same, specs, { ...key, index }), [a, b, c, d, e]);
        seen.add(`${`${a}` === `${c}`} ${`${c}` === `${e}`}`);
      }
      t.ok(seen.has('false false') || seen.size > 1, `${name}: between replicas`);
    }
  },
);

t.test("a replica's draws take none away from the batch's", async t => {
  await tf.setBackend('wasm');
  const nothing = rotate({ p: 0, perReplica: true });
  const crop = randomCrop({ padding: 3 });
  t.same(run(images(), [nothing, crop], key), run(images(), [crop], key));
  t.throws(() => run(images(), [rotate({ perItem: true, perReplica: true })], key), {
    code: 'E_RECIPE',
    message: /rotate cannot draw per item and per replica/,
  });
});

t.test("a recipe's own transform draws per replica too", async t => {
  const drawn: number[] = [];
  const own: Transform = (_tf, images, _options, random) => {
    drawn.push(random.float());
    return images;
  };
  for (const perReplica of [false, true])
    for (const replica of [0, 1])
      applyTransforms(
        tf,
        images(),
        [{ name: 'own', options: { perReplica } }],
        { ...key, replica },
        { own },
      ).dispose();
  t.equal(drawn[1], drawn[0]);
  t.equal(new Set(drawn).size, 3);
});
