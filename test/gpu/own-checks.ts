/** The checks that are made here and not by a command of their own. */
import { captureCheck, deterministicCheck, parityCheck, replicasCheck } from './loss-checks.js';
import { memoryCheck, outOfMemoryCheck } from './memory-checks.js';
import { openOn } from './open-on.js';
import type { Outcome, Settings } from './settings.js';
import { trainingCheck } from './training-check.js';

/** The engine multiplies on the device, and the right way. */
async function deviceCheck(settings: Settings): Promise<Outcome> {
  const { tf, device } = await openOn(settings);
  const product = tf.tidy(() => tf.matMul(tf.fill([256, 512], 0.5), tf.fill([512, 128], 2)).dataSync());
  const problems: string[] = [];
  if (device !== settings.device) problems.push(`asked for ${settings.device}, opened ${device}`);
  if (product.some(value => value !== 512)) problems.push('a product of two matrices is wrong');
  return { figures: { device, LibTorch: (await libTorchVersion()) ?? 'unknown' }, problems };
}

async function libTorchVersion(): Promise<string | undefined> {
  const { readBuildStamp } = await import('../../src/engine/torch/build-stamp.js');
  const stamp = readBuildStamp();
  return stamp && `${stamp.version}, CUDA ${stamp.cuda ?? 'no'}, oneDNN ${stamp.onednn ?? 'no'}`;
}

export const ownChecks: Readonly<Record<string, (settings: Settings) => Promise<Outcome>>> = {
  device: deviceCheck,
  parity: parityCheck,
  replicas: replicasCheck,
  deterministic: deterministicCheck,
  capture: captureCheck,
  memory: memoryCheck,
  'out-of-memory': outOfMemoryCheck,
  training: trainingCheck,
};
