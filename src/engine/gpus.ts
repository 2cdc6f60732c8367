/** The NVIDIA GPUs of this machine, as this process may use them. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface Gpu {
  /** Position among the GPUs that this process may use. */
  readonly index: number;
  readonly name: string;
  readonly memoryMiB?: number;
  readonly driver?: string;
}

type DriverRow = Omit<Gpu, 'index'>;

/** In the driver's order; empty where there is no driver. */
async function allGpus(): Promise<DriverRow[]> {
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', [
      '--query-gpu=name,memory.total,driver_version',
      '--format=csv,noheader,nounits',
    ]);
    return stdout
      .split('\n')
      .map(line => line.trim())
      .filter(Boolean)
      .map(line => {
        const [name, memory, driver] = line.split(',').map(part => part.trim());
        return { name, memoryMiB: Number(memory) || undefined, driver };
      });
  } catch {
    // Not there, or without a working driver: either way there is no GPU to use.
    return [];
  }
}

/**
 * The GPUs that CUDA_VISIBLE_DEVICES leaves, in its order. Like CUDA it stops at the first entry that is not a
 * known index; entries by UUID are therefore not seen.
 */
export function visibleGpus(rows: readonly DriverRow[], visible: string | undefined): Gpu[] {
  if (visible === undefined) return rows.map((row, index) => ({ index, ...row }));
  const entries = visible.split(',').map(entry => entry.trim());
  const end = entries.findIndex(entry => !/^\d+$/.test(entry) || Number(entry) >= rows.length);
  const indices = (end === -1 ? entries : entries.slice(0, end)).map(Number);
  return indices.map((physical, index) => ({ index, ...rows[physical] }));
}

export const listGpus = async (): Promise<Gpu[]> =>
  visibleGpus(await allGpus(), process.env.CUDA_VISIBLE_DEVICES);
