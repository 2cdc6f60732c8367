/** What the doctor looks at. Nothing here throws: what cannot be found out is a finding too. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { loadSharp } from '../data/decode/sharp-decoder.js';
import { type ListedDevice, listDevices } from '../engine/devices.js';
import { listGpus } from '../engine/gpus.js';
import type { Environment } from '../run/environment.js';
import { imagesFinding } from './doctor-images.js';
import { machineFindings } from './doctor-machine.js';
import { addonFinding, libTorchFinding } from './doctor-torch.js';

export interface Finding {
  readonly name: string;
  /** Works; is not there, which may be as wanted; should work and does not. */
  readonly state: 'good' | 'absent' | 'bad';
  readonly text: string;
  /** What to do about it. */
  readonly advice?: string;
}

/** @param machine what is known of it and of the versions */
export async function findings(machine: Environment): Promise<Finding[]> {
  const libTorch = await libTorchFinding();
  const rows = await Promise.all([
    machineFindings(machine),
    sharpFinding(),
    imagesFinding(),
    gpuFinding(),
    libTorch.finding,
    addonFinding(libTorch.torch),
    engineFindings(),
  ]);
  return rows.flat();
}

async function sharpFinding(): Promise<Finding> {
  try {
    const { versions } = await loadSharp();
    return { name: 'sharp', state: 'good', text: `${versions.sharp}, libvips ${versions.vips}` };
  } catch (error) {
    return {
      name: 'sharp',
      state: 'bad',
      text: `cannot be loaded: ${firstLine(error)}`,
      advice: 'npm install sharp, on this machine: its binary is one for each platform.',
    };
  }
}

async function gpuFinding(): Promise<Finding> {
  const gpus = await listGpus();
  if (gpus.length > 0) {
    const list = gpus.map(
      ({ index, name, memoryMiB = 0 }) => `${index} ${name} ${Math.round(memoryMiB / 1024)} GiB`,
    );
    const cuda = await driverCuda();
    const driver = `driver ${gpus[0].driver ?? 'unknown'}${cuda ? `, CUDA up to ${cuda}` : ''}`;
    return { name: 'GPUs', state: 'good', text: `${list.join(', ')}; ${driver}` };
  }
  const visible = process.env.CUDA_VISIBLE_DEVICES;
  const text =
    visible === undefined ? 'no NVIDIA GPU, or no driver' : `none left by CUDA_VISIBLE_DEVICES=${visible}`;
  return { name: 'GPUs', state: 'absent', text };
}

/** The CUDA version that the driver serves at most, from the head of nvidia-smi's table. */
async function driverCuda(): Promise<string | undefined> {
  const { stdout } = await promisify(execFile)('nvidia-smi').catch(() => ({ stdout: '' }));
  return /CUDA Version:\s*([\d.]+)/.exec(stdout)?.[1];
}

/** Whether anything could train: on a good Node, an engine that opens. */
export function canTrain(rows: readonly Finding[]): boolean {
  const isGood = (row: Finding): boolean => row.state === 'good';
  return (
    rows.some(row => row.name === 'Node' && isGood(row)) &&
    rows.some(row => row.name.startsWith('engine ') && isGood(row))
  );
}

async function engineFindings(): Promise<Finding[]> {
  const devices = await listDevices();
  return [...new Set(devices.map(({ engine }) => engine))].map(engine =>
    engineFinding(devices.filter(device => device.engine === engine)),
  );
}

function engineFinding(devices: readonly ListedDevice[]): Finding {
  const [{ engine, unavailable }] = devices;
  const name = `engine ${engine}`;
  if (unavailable) return { name, state: 'absent', text: unavailable.reason, advice: unavailable.hint };
  const list = devices.map(({ id, description, isGpu }) => (isGpu ? `${id} ${description}` : id));
  return { name, state: 'good', text: list.join(', ') };
}

export const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).trim().split('\n')[0];
