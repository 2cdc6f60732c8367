/** The hooks on the replicas' layers, and who is told what they saw. */
import { ConfigError } from '../errors.js';
import { builtInHookNames, type HookSpec } from '../protocol/hooks.js';
import type { ReadyReport } from '../protocol/messages.js';
import type { ReplicaHooks } from '../protocol/step-runner.js';
import type { ReplicaGroup } from './replica-group.js';

/** @throws ConfigError for what every replica would refuse: an error there would end the run */
function checkHooks(specs: readonly HookSpec[], { layers, hooks }: ReadyReport): void {
  const functions: readonly string[] = [...builtInHookNames, ...hooks];
  const callable = layers.filter(({ type }) => type !== 'InputLayer').map(({ name }) => name);
  for (const { fn, layers: names } of specs) {
    if (!functions.includes(fn))
      throw new ConfigError(`There is no hook function "${fn}".`, {
        where: 'hooks',
        hint: `use ${functions.join(', ')}, or give the recipe one of that name`,
      });
    for (const name of names) {
      if (callable.includes(name)) continue;
      throw new ConfigError(`There is no layer "${name}" that computes something.`, {
        where: 'hooks',
        hint: `the layers are ${callable.join(', ')}`,
      });
    }
  }
}

export class HookReports {
  #listener?: (reports: ReplicaHooks) => void;

  /** Puts `specs` on every replica's layers, in the place of all others. @throws ConfigError */
  async set(
    { group, ready }: { readonly group: ReplicaGroup; readonly ready: readonly ReadyReport[] },
    specs: readonly HookSpec[],
    listener?: (reports: ReplicaHooks) => void,
  ): Promise<void> {
    checkHooks(specs, ready[0]);
    await group.request<'hooks'>(() => ({ op: 'hooks', hooks: specs }));
    this.#listener = listener;
  }

  /** Tells the listener what the hooks saw in a step. */
  deliver<Result extends { readonly hooks?: ReplicaHooks }>(result: Result): Result {
    if (result.hooks) this.#listener?.(result.hooks);
    return result;
  }
}
