// Lesson 15: a convolution is a product of matrices. By hand on plain arrays, then compared with what the first layer
// of the lessons' small network gives on two replicas; then that network is trained.
// node examples/lessons/02-cnn.mjs [FOLDER]: filters.png goes there.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  Accuracy,
  BatchTransformCB,
  Coordinator,
  chooseDevices,
  DataLoaders,
  Hook,
  Learner,
  MetricsCB,
  models,
  normalize,
  openData,
  picturesOf,
  SingleBatchCB,
  sgd,
  subplots,
  TrainCB,
} from 'gradring';

const folder = process.argv[2] ?? 'runs/lessons';

/**
 * The windows of one image as rows of a matrix: [outputs · outputs, kernel · kernel]. Outside of the image is 0. At
 * stride 2 on an even side, TensorFlow pads one pixel right and below, and none left and above.
 */
function im2col(image, side, kernel, stride) {
  const outputs = Math.ceil(side / stride);
  const missing = Math.max((outputs - 1) * stride + kernel - side, 0);
  const before = Math.floor(missing / 2);
  const columns = new Float32Array(outputs ** 2 * kernel ** 2);
  let at = 0;
  for (let y = 0; y < outputs; y++)
    for (let x = 0; x < outputs; x++)
      for (let dy = 0; dy < kernel; dy++)
        for (let dx = 0; dx < kernel; dx++) {
          const [row, column] = [y * stride + dy - before, x * stride + dx - before];
          const inside = row >= 0 && row < side && column >= 0 && column < side;
          columns[at++] = inside ? image[row * side + column] : 0;
        }
  return columns;
}

/** [rows, inner] × [inner, columns] + bias, then ReLU. The kernel is not flipped: it is a cross-correlation. */
function linearRelu(a, weights, bias) {
  const columns = bias.length;
  const inner = weights.length / columns;
  return Float32Array.from({ length: (a.length / inner) * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    let sum = bias[column];
    for (let k = 0; k < inner; k++) sum += a[row * inner + k] * weights[k * columns + column];
    return Math.max(sum, 0);
  });
}

const data = await openData('sample');
const { imageShape, classes } = data.train;
const { engine, devices } = await chooseDevices('cpu:2', 'auto');
const coordinator = new Coordinator({
  engine,
  devices: devices.map(({ id }) => id),
  recipe: models.cnn,
  imageShape,
  classes,
});
const loaders = DataLoaders.from(data, { batchSize: 64 });
const metrics = new MetricsCB(new Accuracy());
const learn = new Learner(coordinator, loaders, {
  lr: 0.1,
  optFunc: sgd({ momentum: 0.85 }),
  cbs: [new TrainCB(), new BatchTransformCB(normalize({ mean: 0.28, std: 0.35 })), metrics],
});

try {
  const summary = await learn.summary({ by: 'layer' });
  console.log(`${summary}`);

  // --- One batch through the model, with a hook on its first convolution: 3×3, stride 2, 4 filters, ReLU ------------
  const [first] = summary.rows;
  const hook = await Hook.on(learn, first.module, 'capture');
  const { inputs } = await learn.capturePreds({ inputs: true, cbs: [new SingleBatchCB()] });
  await hook.remove();

  // All parameters lie in one array; kernels are [height, width, inputs, filters].
  const state = await coordinator.getState();
  const valuesOf = name => {
    const { offset, size } = coordinator.parameters.find(parameter => parameter.name === name);
    return state.parameters.subarray(offset, offset + size);
  };
  const [kernel, bias] = [valuesOf(`${first.module}/kernel`), valuesOf(`${first.module}/bias`)];

  const { shape, data: seen } = hook.value;
  const [images, outputs] = [784, shape[1] * shape[2] * shape[3]];
  let worst = 0;
  for (let n = 0; n < 32; n++) {
    const image = inputs.data.subarray(n * images, (n + 1) * images);
    const byHand = linearRelu(im2col(image, 28, 3, 2), kernel, bias);
    byHand.forEach((value, i) => {
      worst = Math.max(worst, Math.abs(value - seen[n * outputs + i]));
    });
  }
  console.log(`the hook saw [${shape}]; the largest difference to the convolution by hand is ${worst}`);
  assert(worst < 1e-4, `difference ${worst}`);

  // Three images, and what each of the four filters makes of them.
  const figure = subplots(3, 5, { title: 'Images, and what four filters see in them', imsize: 84 });
  for (let row = 0; row < 3; row++) {
    figure.axes[5 * row].showImage(picturesOf(inputs)[row]);
    for (let filter = 0; filter < 4; filter++) {
      const all = seen.subarray(row * outputs, (row + 1) * outputs);
      const channel = { data: all.filter((_, i) => i % 4 === filter), shape: [shape[1], shape[2]] };
      figure.axes[5 * row + 1 + filter].showImage(channel);
    }
  }
  console.log(await figure.save(join(folder, 'filters.png')));

  // --- Training -----------------------------------------------------------------------------------------------------
  await learn.fit(1);
  const { loss, accuracy } = metrics.history.at(-1);
  console.log(`after one epoch: loss ${loss.toFixed(3)}, accuracy ${accuracy.toFixed(3)}`);
  assert(accuracy > 0.7, `accuracy ${accuracy}`);
} finally {
  await Promise.all([coordinator.close(), loaders.close()]);
}
