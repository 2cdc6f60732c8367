/** Threads for the replicas of a run, and what all of them are told. */
import type { ControlBlock } from '../allreduce/control-block.js';
import { defaultSeed } from '../default-seed.js';
import { ReplicaError } from '../errors.js';
import type { ReplicaSettings } from '../protocol/messages.js';
import type { CoordinatorOptions } from './coordinator-options.js';
import { resolveEngineSettings } from './engine-settings.js';
import { ReplicaHandle } from './replica-handle.js';

/** What a replica is started with, its own place left out. */
type CommonSettings = Omit<ReplicaSettings, 'rank' | 'replicas' | 'device' | 'control'>;

/** Added to the longest step for the waits within the ring: the coordinator should be the first to notice. */
const laterMs = 5000;

export class ReplicaStarter {
  readonly #settings: CommonSettings;
  readonly #onOutput: (replica: number, text: string) => void;

  /** @throws ConfigError when the engine or the devices cannot do what is asked */
  constructor(options: CoordinatorOptions) {
    const { engine, recipe, loss, imageShape, classes, seed = defaultSeed() } = options;
    const { stallTimeoutMs = 120_000, onOutput = () => {} } = options;
    this.#onOutput = onOutput;
    this.#settings = {
      engine,
      engineSettings: resolveEngineSettings(options),
      recipe,
      loss,
      imageShape,
      classes,
      seed,
      stallTimeoutMs: stallTimeoutMs + laterMs,
    };
  }

  /**
   * Starts the thread of one replica on its device.
   *
   * @throws ReplicaError when the machine gives no more threads
   */
  start(rank: number, device: string, control: ControlBlock): ReplicaHandle {
    const place = { rank, replicas: control.replicas, device, control: control.buffer };
    try {
      return new ReplicaHandle({ ...this.#settings, ...place }, this.#onOutput);
    } catch (cause) {
      throw new ReplicaError(`the thread of replica ${rank} (${device}) cannot be started`, {
        replica: rank,
        phase: 'start',
        hint: 'use fewer devices, or raise the limit on threads',
        cause,
      });
    }
  }

  /** One replica for each device. @throws ReplicaError; then none is left running */
  startAll(devices: readonly string[], control: ControlBlock): ReplicaHandle[] {
    const started: ReplicaHandle[] = [];
    try {
      for (const [rank, device] of devices.entries()) started.push(this.start(rank, device, control));
      return started;
    } catch (error) {
      for (const replica of started) void replica.terminate();
      throw error;
    }
  }
}
