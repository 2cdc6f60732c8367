/** How busy the NVIDIA GPUs of this machine are, as its driver tells. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** A value that the GPU does not tell is absent. */
export interface GpuLoad {
  /** As `nvidia-smi` counts them, whatever CUDA_VISIBLE_DEVICES says. */
  readonly index: number;
  /** Share of the last sample period in which a kernel ran, 0 … 1. */
  readonly busy?: number;
  /** Of all processes. */
  readonly memoryUsedMiB?: number;
  readonly memoryMiB?: number;
  /** °C */
  readonly temperature?: number;
  readonly watts?: number;
}

const query = 'index,utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw';
const timeoutMs = 5000;

/** @param text what `nvidia-smi --query-gpu=… --format=csv,noheader,nounits` printed for the fields above */
export function parseGpuLoad(text: string): GpuLoad[] {
  const rows = text.split('\n').filter(line => line.trim() !== '');
  return rows.map(line => {
    const [index, busy, memoryUsedMiB, memoryMiB, temperature, watts] = line
      .split(',')
      .map(part => (/^\s*-?[\d.]+\s*$/.test(part) ? Number(part) : undefined));
    const told = {
      busy: busy === undefined ? undefined : busy / 100,
      memoryUsedMiB,
      memoryMiB,
      temperature,
      watts,
    };
    const known = Object.entries(told).filter(([, value]) => value !== undefined);
    return { index: index ?? 0, ...Object.fromEntries(known) };
  });
}

/** Empty where there is no driver, or it does not answer in time. */
export async function gpuLoad(): Promise<GpuLoad[]> {
  try {
    const options = { timeout: timeoutMs };
    const { stdout } = await promisify(execFile)(
      'nvidia-smi',
      [`--query-gpu=${query}`, '--format=csv,noheader,nounits'],
      options,
    );
    return parseGpuLoad(stdout);
  } catch {
    return [];
  }
}
