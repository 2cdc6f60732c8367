/** The NVIDIA GPUs of this machine, as this process may use them. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface Gpu {
  /** Position among the GPUs that this process may use. */
  readonly index: number;
  readonly name: string;
}

/** Names in the driver's order; empty where there is no driver. */
async function allGpus(): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', ['--query-gpu=name', '--format=csv,noheader']);
    return stdout
      .split('\n')
      .map(line => line.trim())
      .filter(Boolean);
  } catch {
    // Not there, or without a working driver: either way there is no GPU to use.
    return [];
  }
}

/**
 * The names that CUDA_VISIBLE_DEVICES leaves, in its order. Like CUDA it stops at the first entry that is not a
 * known index; entries by UUID are therefore not seen.
 */
export function visibleGpus(names: readonly string[], visible: string | undefined): Gpu[] {
  if (visible === undefined) return names.map((name, index) => ({ index, name }));
  const entries = visible.split(',').map(entry => entry.trim());
  const end = entries.findIndex(entry => !/^\d+$/.test(entry) || Number(entry) >= names.length);
  const indices = (end === -1 ? entries : entries.slice(0, end)).map(Number);
  return indices.map((physical, index) => ({ index, name: names[physical] }));
}

export const listGpus = async (): Promise<Gpu[]> =>
  visibleGpus(await allGpus(), process.env.CUDA_VISIBLE_DEVICES);
