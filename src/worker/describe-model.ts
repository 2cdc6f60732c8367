/** A model as plain data: a table for people, and the files that stock TensorFlow.js loads. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Shape } from '@tensorflow/tfjs-layers/dist/keras_format/common.js';
import type { Tf } from '../engine/tf.js';
import type { ModelReport } from '../protocol/messages.js';
import type { LayerInfo } from '../protocol/model-info.js';

/** One row per layer, in the model's order. */
export function describeLayers(model: LayersModel): LayerInfo[] {
  return model.layers.map(layer => ({
    name: layer.name,
    type: layer.getClassName(),
    // A layer used several times has a node for each use; the first one stands for all.
    inputShape: withoutBatch(layer.inboundNodes[0].inputShapes),
    outputShape: withoutBatch(layer.inboundNodes[0].outputShapes),
    parameters: layer.countParams(),
    weights: layer.weights.map(weight => ({
      name: weight.name,
      shape: weight.shape as number[],
      trainable: layer.trainableWeights.includes(weight),
    })),
  }));
}

/** Of the first tensor where there are several. */
const withoutBatch = (shape: Shape | Shape[]): (number | null)[] =>
  ((Array.isArray(shape[0]) ? shape[0] : shape) as Shape).slice(1);

/** Topology and weights, as `tf.io` defines them. */
export async function serialiseModel(tf: Tf, model: LayersModel): Promise<ModelReport> {
  // As stock saving does: `name` has a number where the thread built another model before.
  const specs = model.weights.map(({ originalName: name, shape, dtype }) => ({
    name,
    shape: shape as number[],
    dtype,
  }));
  const { data } = await tf.io.encodeWeights(
    model.weights.map(weight => ({ name: weight.originalName, tensor: weight.read() })),
  );
  return {
    topology: JSON.stringify(model.toJSON(null, false)),
    weightSpecs: specs,
    weightData: new Uint8Array(data),
  };
}
