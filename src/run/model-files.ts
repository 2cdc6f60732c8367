/** The trained model as the two files that `tf.loadLayersModel` of any TensorFlow.js reads. */
import { join } from 'node:path';
import { writeAtomically } from '../atomic-write.js';
import type { ModelReport } from '../protocol/messages.js';
import { ownVersion } from './environment.js';

const weightsFile = 'weights.bin';

/**
 * Writes `weights.bin`, then `model.json`: where the second is, the first is complete.
 *
 * @param model from `Coordinator.model()`
 * @throws RunFolderError when the folder cannot be made or written
 */
export function saveModel(model: ModelReport, folder: string): void {
  writeAtomically(join(folder, weightsFile), model.weightData);
  const description = {
    format: 'layers-model',
    generatedBy: `gradring ${ownVersion()}`,
    convertedBy: null,
    modelTopology: JSON.parse(model.topology),
    weightsManifest: [{ paths: [weightsFile], weights: model.weightSpecs }],
  };
  writeAtomically(join(folder, 'model.json'), JSON.stringify(description));
}
