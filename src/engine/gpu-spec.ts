/** What `--gpus` says: a number of GPUs, their indices, all of them, or a number of CPU devices. */
import { ConfigError } from '../errors.js';

export type GpuSpec =
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'list'; readonly indices: readonly number[] }
  | { readonly kind: 'all' }
  | { readonly kind: 'cpu'; readonly count: number };

/** More replicas than any one machine has devices: a slip of the finger. */
const maxDevices = 256;

export interface DeviceSharing {
  /** Whether one GPU may serve several replicas. */
  readonly allowSharedDevice?: boolean;
}

/** @throws ConfigError that names the option and shows what it accepts */
export function parseGpuSpec(text: string, { allowSharedDevice = false }: DeviceSharing = {}): GpuSpec {
  const spec = text.trim();
  if (spec === 'all') return { kind: 'all' };
  if (/^cpu:\d+$/.test(spec)) return { kind: 'cpu', count: countOf(spec.slice(4), text) };
  if (/^\d+$/.test(spec)) return { kind: 'count', count: countOf(spec, text) };
  if (/^\d+(\s*,\s*\d+)*,?$/.test(spec)) {
    const indices = spec.split(',').filter(Boolean).map(Number);
    const twice = indices.find((index, i) => indices.indexOf(index) !== i);
    if (twice !== undefined && !allowSharedDevice) {
      throw invalid(text, `GPU ${twice} is listed twice (--allow-shared-device lets replicas share one)`);
    }
    return { kind: 'list', indices };
  }
  throw invalid(text, 'it is neither a number, a list, "all" nor "cpu:N"');
}

function countOf(digits: string, text: string): number {
  const count = Number(digits);
  if (count >= 1 && count <= maxDevices) return count;
  throw invalid(text, count === 0 ? 'at least one device is needed' : `the limit is ${maxDevices} devices`);
}

const invalid = (text: string, reason: string): ConfigError =>
  new ConfigError(`The devices "${text}" cannot be used: ${reason}.`, {
    where: `--gpus ${text}`,
    hint: 'Give a number of GPUs (3), their indices (0,2 or "1," for GPU 1 alone), all, or CPU devices (cpu:3).',
  });
