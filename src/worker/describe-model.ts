/** A model as plain data: a table for people, and the files that stock TensorFlow.js loads. */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Tf } from '../engine/tf.js';
import type { LayerInfo, ModelReport } from '../protocol/messages.js';

/** One row per layer, in the model's order. */
export function describeLayers(model: LayersModel): LayerInfo[] {
  return model.layers.map(layer => {
    const shape = Array.isArray(layer.outputShape[0]) ? layer.outputShape[0] : layer.outputShape;
    return {
      name: layer.name,
      type: layer.getClassName(),
      outputShape: (shape as (number | null)[]).slice(1),
      parameters: layer.countParams(),
    };
  });
}

/** Topology and weights, as `tf.io` defines them. */
export async function serialiseModel(tf: Tf, model: LayersModel): Promise<ModelReport> {
  const specs = model.weights.map(({ name, shape, dtype }) => ({ name, shape: shape as number[], dtype }));
  const { data } = await tf.io.encodeWeights(
    model.weights.map(weight => ({ name: weight.name, tensor: weight.read() })),
  );
  return {
    topology: JSON.stringify(model.toJSON(null, false)),
    weightSpecs: specs,
    weightData: new Uint8Array(data),
  };
}
