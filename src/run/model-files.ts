/** The trained model as the two files that `tf.loadLayersModel` of any TensorFlow.js reads. */
import type { ModelReport } from '../protocol/messages.js';
import type { RunFolder } from './run-folder.js';

const weightsFile = 'weights.bin';

/** Writes `weights.bin`, then `model.json`: where the second is, the first is complete. */
export function writeModel(folder: RunFolder, model: ModelReport, generatedBy: string): void {
  folder.write(weightsFile, model.weightData);
  folder.writeJson('model.json', {
    format: 'layers-model',
    generatedBy,
    convertedBy: null,
    modelTopology: JSON.parse(model.topology),
    weightsManifest: [{ paths: [weightsFile], weights: model.weightSpecs }],
  });
}
