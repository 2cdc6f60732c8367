/** Every check of the GPU check: what it shows, how it is started, and how long it may take. */
import { isCuda, type Settings } from './settings.js';

export interface Check {
  readonly name: string;
  /** What it shows when it passes. */
  readonly shows: string;
  readonly limitSeconds: number;
  /** Arguments of Node. */
  command(settings: Settings): readonly string[];
}

/** A function of `own-checks.ts`, in a process of its own. */
const own = (name: string, limitSeconds: number, shows: string): Check => ({
  name,
  shows,
  limitSeconds,
  command: settings => ['.build/test/gpu/own-check.js', name, JSON.stringify(settings)],
});

const throughput = (precision: 'fp32' | 'bf16'): Check => ({
  name: `throughput-${precision}`,
  shows: `images a second of the ResNet's step in ${precision}, and PyTorch's where Python has it`,
  limitSeconds: 600,
  command: settings => [
    ...['.build/bench/run.js', 'step', '--engine', 'torch', '--precision', precision, '--replicas', '1'],
    ...['--device', isCuda(settings) ? 'cuda' : 'cpu', '--markdown'],
    ...(settings.quick
      ? ['--batch', '32', '--steps', '1', '--runs', '1']
      : ['--batch', '512', '--steps', '50', '--runs', '7']),
    ...(settings.python && !settings.quick ? ['--peer', '--python', settings.python] : []),
  ],
});

export const checks: readonly Check[] = [
  {
    name: 'build',
    shows: 'the addon compiles for the LibTorch of this machine',
    limitSeconds: 1800,
    command: () => ['scripts/build-native.mjs', 'torch', '--require'],
  },
  {
    name: 'doctor',
    shows: 'what of this machine can be used',
    limitSeconds: 120,
    command: () => ['scripts/doctor.js'],
  },
  own('device', 120, 'the engine opens the device, and it is the one asked for'),
  {
    name: 'conformance',
    shows: "TensorFlow.js's own tests pass on the device",
    limitSeconds: 600,
    command: ({ device, quick }) => [
      ...['.build/test/conformance/run.js', '--engine', 'torch', '--device', device],
      ...(quick ? ['--filter', 'relu'] : []),
    ],
  },
  own('parity', 300, "50 AdamW steps of the ResNet follow PyTorch's losses within 1e-4"),
  own(
    'replicas',
    300,
    'two and three replicas share the one device, keep the same bits, and follow as many on the processor',
  ),
  own('deterministic', 300, 'with deterministic on, two runs have the same bits'),
  own('capture', 300, 'steps replayed as a CUDA graph have the losses of plain steps'),
  own('memory', 300, 'memory stays the same over many steps'),
  own('out-of-memory', 120, 'running out of memory is a typed error and leaves the engine usable'),
  own('training', 300, 'a whole run over the bundled sample reaches its accuracy, odd last batches included'),
  throughput('fp32'),
  throughput('bf16'),
];
