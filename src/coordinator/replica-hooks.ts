/** The hooks on the replicas' layers, and who is told what they saw. */
import { ConfigError } from '../errors.js';
import { builtInHookNames, type HookSpec } from '../protocol/hooks.js';
import type { CommandOf, ReadyReport } from '../protocol/messages.js';
import type { ReplicaHooks } from '../protocol/step-runner.js';
import type { ReplicaGroup } from './replica-group.js';
import type { ReplicaHandle } from './replica-handle.js';

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
  #specs: readonly HookSpec[] = [];
  #listener?: (reports: ReplicaHooks) => void;

  /** Takes `specs` in the place of all others; the command that puts them on the layers. @throws ConfigError */
  set(
    ready: ReadyReport,
    specs: readonly HookSpec[],
    listener?: (reports: ReplicaHooks) => void,
  ): CommandOf<'hooks'> {
    checkHooks(specs, ready);
    this.#specs = specs;
    this.#listener = listener;
    return { op: 'hooks', hooks: specs };
  }

  /** Puts them on the layers of these replicas, too. */
  async putOn(group: ReplicaGroup, fresh: readonly ReplicaHandle[]): Promise<void> {
    if (this.#specs.length === 0) return;
    await group.request<'hooks'>(() => ({ op: 'hooks', hooks: this.#specs }), fresh);
  }

  /** Tells the listener what the hooks saw in a step. */
  deliver<Result extends { readonly hooks?: ReplicaHooks }>(result: Result): Result {
    if (result.hooks) this.#listener?.(result.hooks);
    return result;
  }
}
