/** What a reader may do with an input: read it, or refuse it with an error that helps. Nothing else. */
import { GradringError } from '../../src/errors.js';

/** What is wrong with what a reader threw; undefined where it refused its input as it should. */
export function faultOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return `threw ${String(thrown)}, which is no Error`;
  if (!(thrown instanceof GradringError)) return `threw ${thrown.stack ?? thrown.message}`;
  const { code, message, where } = thrown;
  if (!/^E_[A-Z_]+$/.test(code)) return `threw an error with the code ${JSON.stringify(code)}`;
  if (message.trim() === '') return `threw ${code} without a message`;
  if (typeof where !== 'string' || where.trim() === '') return `threw ${code} without 'where': ${message}`;
  return undefined;
}
