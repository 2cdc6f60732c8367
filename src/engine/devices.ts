/** From `--gpus` and `--engine` to the devices of a run. */
import { DeviceError } from '../errors.js';
import type { DeviceInfo, EngineFactory, EngineName } from './engine.js';
import { type DeviceSharing, type GpuSpec, parseGpuSpec } from './gpu-spec.js';
import { processorDevices } from './processor.js';
import { chooseEngine, engineFactories } from './registry.js';

export interface DeviceChoice {
  readonly engine: EngineName;
  /** One per replica, in replica order. */
  readonly devices: readonly DeviceInfo[];
  /** A sentence for the first printed line, where CPU devices stand in for GPUs. */
  readonly note?: string;
}

/**
 * @param gpus `N`, a list such as `0,2`, `all`, or `cpu:N`
 * @param engine a name, or `auto`
 * @throws ConfigError when either makes no sense, DeviceError when the machine has not got it
 */
export async function chooseDevices(
  gpus: string,
  engine: string,
  sharing: DeviceSharing = {},
): Promise<DeviceChoice> {
  const spec = parseGpuSpec(gpus, sharing);
  const factory = await chooseEngine(engine, replicasOf(spec));
  if (factory.name === 'tensorflow' && replicasOf(spec) > 1) throw oneDeviceOnly(gpus);
  return devicesFor(spec, gpus, factory, sharing);
}

function replicasOf(spec: GpuSpec): number {
  if (spec.kind === 'list') return spec.indices.length;
  return spec.kind === 'all' ? 1 : spec.count;
}

async function devicesFor(
  spec: GpuSpec,
  text: string,
  factory: EngineFactory,
  { allowSharedDevice }: DeviceSharing,
): Promise<DeviceChoice> {
  const engine = factory.name;
  const all = await factory.devices();
  if (spec.kind === 'cpu') return { engine, devices: cpuDevices(factory, spec.count) };
  const found = all.filter(device => device.isGpu);
  if (spec.kind === 'list')
    return { engine, devices: spec.indices.map(index => pick(found, index, text, engine)) };
  if (found.length === 0) {
    const count = spec.kind === 'all' ? all.length : spec.count;
    return { engine, devices: cpuDevices(factory, count), note: standInNote(engine, count) };
  }
  if (spec.kind === 'all') return { engine, devices: found };
  if (spec.count > found.length && !allowSharedDevice) {
    throw missing(`${spec.count} GPUs`, found, text, engine);
  }
  return { engine, devices: Array.from({ length: spec.count }, (_, i) => found[i % found.length]) };
}

const standInNote = (engine: EngineName, count: number): string =>
  `No GPU for the ${engine} engine: ${count === 1 ? 'one CPU device stands' : `${count} CPU devices stand`} in.`;

/** `wasm:0`, … or `cpu:0`, …: as many as asked for, also where the processor has fewer cores. */
function cpuDevices({ name }: EngineFactory, count: number): DeviceInfo[] {
  const prefix = name === 'wasm' ? 'wasm' : 'cpu';
  const [{ description }] = processorDevices(name);
  return Array.from({ length: count }, (_, index) => ({
    id: `${prefix}:${index}`,
    description,
    isGpu: false,
  }));
}

function pick(found: readonly DeviceInfo[], index: number, text: string, engine: EngineName): DeviceInfo {
  const device = found[index];
  if (!device) throw missing(`GPU ${index}`, found, text, engine);
  return device;
}

function missing(
  wanted: string,
  found: readonly DeviceInfo[],
  text: string,
  engine: EngineName,
): DeviceError {
  const list = found.map(({ description }, index) => `${index} ${description}`).join(', ');
  const count = found.length === 0 ? 'no GPU' : `${found.length}: ${list}`;
  return new DeviceError(`You asked for ${wanted}; the ${engine} engine sees ${count}.`, {
    where: `--gpus ${text}`,
    hint: 'Use --list-devices to see what there is, or --gpus cpu:N for N CPU devices.',
  });
}

const oneDeviceOnly = (text: string): DeviceError =>
  new DeviceError(
    'The tensorflow engine can serve one device only: the stock binding gives every thread of a process the last GPU it finds.',
    {
      where: `--gpus ${text} --engine tensorflow`,
      hint: 'Start one process per GPU, each with its own CUDA_VISIBLE_DEVICES and --gpus 1, or use --engine wasm.',
    },
  );

/** A row of `--list-devices`. */
export interface ListedDevice {
  readonly engine: EngineName;
  /** Absent where the engine cannot be used. */
  readonly id?: string;
  readonly description: string;
  readonly isGpu: boolean;
  readonly memoryMiB?: number;
  readonly driver?: string;
  /** Why the engine cannot be used, and what to do about it. */
  readonly unavailable?: { readonly reason: string; readonly hint: string };
}

export async function listDevices(): Promise<ListedDevice[]> {
  const rows: ListedDevice[] = [];
  for (const factory of Object.values(engineFactories)) {
    const engine = factory.name;
    const availability = await factory.available();
    if (availability.ok) {
      for (const device of await factory.devices()) rows.push({ engine, ...device });
    } else {
      const { reason, hint } = availability;
      rows.push({ engine, description: 'not available', isGpu: false, unavailable: { reason, hint } });
    }
  }
  return rows;
}
