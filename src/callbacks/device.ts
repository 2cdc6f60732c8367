import { DeviceError } from '../errors.js';
import { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';

/**
 * Puts the devices of the replicas on `learn.devices`. The replicas hold model and batches where they belong, so
 * nothing is moved; with `devices` named, the fit is refused unless the replicas run on exactly these.
 */
export class DeviceCB extends Callback {
  readonly #expected?: readonly string[];

  /** @param devices such as `['cuda:0', 'cuda:1']`, in any order */
  constructor(devices?: readonly string[]) {
    super();
    this.#expected = devices;
  }

  /** @throws DeviceError */
  override beforeFit(learn: Learner): void {
    const { devices } = learn.runner;
    learn.devices = devices;
    const expected = this.#expected;
    if (!expected || expected.toSorted().join() === devices.toSorted().join()) return;
    throw new DeviceError(`The replicas run on ${devices.join(', ')}, not on ${expected.join(', ')}.`, {
      where: 'DeviceCB',
      hint: 'name the same devices to the coordinator, or none to DeviceCB',
    });
  }
}
