import type { z } from 'zod';

/**
 * What does not fit a schema, in words: `lr: Too small; epochs: Invalid input`.
 *
 * @param whole what to call the value itself, where that is what does not fit
 */
export function problemsOf({ issues }: z.ZodError, whole = 'it'): string {
  return issues.map(({ path, message }) => `${path.join('.') || whole}: ${message}`).join('; ');
}
