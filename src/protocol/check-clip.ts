import { ConfigError } from '../errors.js';
import type { ClipOptions } from './step-runner.js';

/**
 * @returns the limits that are given, without those that are undefined
 * @throws ConfigError when there is none, or one is not above 0
 */
export function checkClip({ norm, value }: ClipOptions, where: string): ClipOptions {
  const limits = Object.entries({ norm, value }).filter(([, limit]) => limit !== undefined);
  if (limits.length === 0)
    throw new ConfigError('Gradients are clipped to nothing.', {
      where,
      hint: 'give norm, the largest L2 norm of all gradients together, or value, the largest of each',
    });
  for (const [name, limit] of limits) {
    if (!(Number.isFinite(limit) && (limit as number) > 0))
      throw new ConfigError(`${name} must be a finite number above 0, not ${limit}.`, { where });
  }
  return Object.fromEntries(limits);
}
