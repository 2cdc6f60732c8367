import { join } from 'node:path';
import type { LrSuggestions } from '../callbacks/lr-suggestions.js';
import { ConfigError } from '../errors.js';
import '../inspect/lr-find.js';
import { Learner } from '../learner/learner.js';
import { stepCallbacksOf } from './callbacks-of.js';
import type { TrainOptions } from './config.js';
import { withRun } from './open-run.js';
import { optimizerChoice } from './optimizer-choice.js';
import { announce } from './report.js';
import { resolveConfig } from './resolve-config.js';
import { RunFolder } from './run-folder.js';
import type { TrainContext } from './train-context.js';

/** What a search for a learning rate came to. */
export interface FoundLr {
  readonly suggestions: LrSuggestions;
  /** Rates tried and the training loss at each. */
  readonly lrs: readonly number[];
  readonly losses: readonly number[];
  /** The drawn curve; its data lies beside it as JSON. */
  readonly plot: string;
}

/**
 * Looks for a learning rate with the model, data and devices of a run, and trains nothing: leaves `lr-find.svg` and
 * `config.json` in the run folder.
 *
 * @throws GradringError of some kind
 */
export async function findLr(options: TrainOptions = {}, context: TrainContext = {}): Promise<FoundLr> {
  const config = resolveConfig(options);
  for (const key of ['resume', 'dryRun'] as const) {
    if (!config[key]) continue;
    throw new ConfigError(`a learning rate is looked for in a run of its own: ${key} does not go with it`, {
      where: key,
      hint: `leave ${key} out`,
    });
  }
  return withRun(
    config,
    context,
    () => RunFolder.create(config.out),
    async (parts, statistics) => {
      const { coordinator, loaders } = parts;
      const folder = parts.folder as RunFolder;
      folder.writeJson('config.json', { ...config, normalisation: statistics });
      await announce(parts);
      const learner = new Learner(coordinator, loaders, {
        optFunc: optimizerChoice(config),
        signal: context.signal,
        cbs: stepCallbacksOf(config, statistics),
      });
      const plot = join(folder.path, 'lr-find.svg');
      const { suggestions, lrs, losses } = await learner.lrFind({ file: plot });
      parts.reporter.log.info({ event: 'lr', ...suggestions, plot }, 'learning rate found');
      return { suggestions, lrs, losses, plot };
    },
  );
}
