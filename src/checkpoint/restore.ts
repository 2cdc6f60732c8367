/** A checkpoint back into a Learner and its replicas. */
import { CheckpointError, GradringError } from '../errors.js';
import type { Callback } from '../learner/callback.js';
import type { Learner } from '../learner/learner.js';
import type { BatchLoader } from '../learner/loaders.js';
import { Optimizer } from '../learner/optimizer.js';
import type { Position, ResumePoint } from '../learner/position.js';
import type { GroupSettings, OptimizerState, TrainingState } from '../protocol/optimizer.js';
import { tensorNames } from './capture.js';
import type { CheckpointContent, CheckpointInfo } from './checkpoint.js';
import { compareWeights, gather, requireAll } from './weights.js';

type OptimizerInfo = NonNullable<CheckpointInfo['optimizer']>;

/** A checkpoint that was read, ready for `learn.fit(n, { resume })`. */
export class Checkpoint implements ResumePoint, CheckpointContent {
  readonly info: CheckpointInfo;
  readonly tensors: CheckpointContent['tensors'];
  /** Its path without extension, or what else to call it in errors. */
  readonly name: string;

  constructor({ info, tensors }: CheckpointContent, name = 'checkpoint') {
    this.info = info;
    this.tensors = tensors;
    this.name = name;
  }

  get position(): Position {
    return this.info.position;
  }

  get globalStep(): number {
    return this.info.globalStep;
  }

  /** @throws CheckpointError when it is of another model, optimizer or data, before anything has changed */
  async restoreModel(learn: Learner): Promise<void> {
    const { runner, opt, dls } = learn;
    requireAll(compareWeights([...runner.parameters, ...runner.buffers], this.tensors), this.name);
    const optimizer = this.#requireOptimizer();
    this.#requireSameGroups(learn, optimizer);
    this.#requireLoader(dls.train);
    const state = { ...this.#weights(learn), optimizer: this.#optimizerState(learn, opt.spec, optimizer) };
    await runner.zeroGrad(0);
    if (!state.average) await runner.dropAverage();
    await runner.setState(state);
    dls.train.epoch = this.info.loaders.train ?? undefined;
    dls.valid.epoch = this.info.loaders.valid ?? undefined;
    dls.train.startBatch = this.position.batch;
  }

  /** Weights and running average only: the optimizer stays as it is. @throws CheckpointError */
  async restoreWeights(learn: Learner): Promise<void> {
    const { runner } = learn;
    requireAll(compareWeights([...runner.parameters, ...runner.buffers], this.tensors), this.name);
    const { parameters, buffers, average } = this.#weights(learn);
    await runner.setState({ parameters, buffers, average });
  }

  async restoreCallbacks(learn: Learner): Promise<void> {
    const groups = this.#requireOptimizer().groups;
    learn.opt.paramGroups.forEach((group, index) => {
      Object.assign(group, unchangedSettings(groups[index], learn.opt.initial[index]));
    });
    for (const callback of learn.cbs) {
      const { stateName } = callback;
      if (callback.restoreState && Object.hasOwn(this.info.callbacks, stateName))
        await this.#restoreCallback(callback, learn);
    }
  }

  async #restoreCallback(callback: Callback, learn: Learner): Promise<void> {
    const { stateName } = callback;
    try {
      await callback.restoreState?.(this.info.callbacks[stateName], learn);
    } catch (cause) {
      if (cause instanceof GradringError) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new CheckpointError(`the state of ${stateName} cannot be taken over: ${reason}`, {
        where: this.name,
        hint: 'the checkpoint is damaged, or of another version of that callback: use an earlier one',
        cause,
      });
    }
  }

  /** The optimizer it was made with, as the Learner's, and its moments as the replicas'. */
  optimizerFor(learn: Learner): { opt: Optimizer; state: OptimizerState } {
    const optimizer = this.#requireOptimizer();
    const indices = new Map(learn.runner.parameters.map(({ name }, index) => [name, index]));
    const opt = new Optimizer(
      optimizer.kind,
      optimizer.groups.map(({ parameters, settings }) => ({
        ...(settings as unknown as GroupSettings),
        params: parameters.map(name => indices.get(name) ?? -1),
      })),
    );
    return { opt, state: this.#optimizerState(learn, opt.spec, optimizer) };
  }

  #weights({ runner: { parameters, buffers } }: Learner): TrainingState {
    const { average, gradient } = tensorNames;
    return {
      parameters: gather(parameters, this.tensors),
      buffers: gather(buffers, this.tensors),
      ...(this.info.gradients ? { gradients: gather(parameters, this.tensors, gradient) } : {}),
      ...(this.info.average
        ? {
            average: {
              parameters: gather(parameters, this.tensors, average),
              buffers: gather(buffers, this.tensors, average),
            },
          }
        : {}),
    };
  }

  #optimizerState(
    { runner }: Learner,
    spec: OptimizerState['spec'],
    { groups, moments }: OptimizerInfo,
  ): OptimizerState {
    const flat = (moment: string): Float32Array =>
      gather(runner.parameters, this.tensors, parameter => tensorNames.moment(parameter, moment));
    return {
      spec,
      steps: groups.map(({ steps }) => steps),
      buffers: Object.fromEntries(moments.map(moment => [moment, flat(moment)])),
    };
  }

  #requireOptimizer(): OptimizerInfo {
    if (this.info.optimizer) return this.info.optimizer;
    throw this.#refusal('it holds weights only, no optimizer', 'to start a new fit from them: learn.load');
  }

  #requireSameGroups({ opt, runner }: Learner, { kind, groups }: OptimizerInfo): void {
    if (kind !== opt.kind)
      throw this.#refusal(
        `it was made with the optimizer ${kind}, this fit uses ${opt.kind}`,
        `resume with ${kind}, or start a new fit from its weights: learn.load(path, { optimizer: false })`,
      );
    const own = opt.paramGroups.map(({ params }) => params.map(index => runner.parameters[index].name));
    const odd = Math.max(own.length, groups.length);
    for (let index = 0; index < odd; index++) {
      if (own[index]?.join() === groups[index]?.parameters.join()) continue;
      throw this.#refusal(
        `its parameter group ${index} holds ${groups[index]?.parameters.length ?? 0} parameters, ` +
          `this fit's ${own[index]?.length ?? 0}, or others`,
        'make the optimizer with the same groups',
      );
    }
  }

  #requireLoader(train: BatchLoader): void {
    const { batch } = this.position;
    const { train: epoch } = this.info.loaders;
    if (batch > train.length)
      throw this.#refusal(
        `it was made after batch ${batch} of an epoch, which now has ${train.length}`,
        'resume with the same data and batch size',
      );
    if ((epoch === null || epoch === 0) && batch === 0) return;
    if (epoch !== null && 'epoch' in train && (batch === 0 || 'startBatch' in train)) return;
    throw this.#refusal(
      `the training loader cannot begin in epoch ${epoch}, batch ${batch}`,
      'give the Learner a DataLoader, or a loader with epoch and startBatch',
    );
  }

  #refusal(message: string, hint: string): CheckpointError {
    return new CheckpointError(`the checkpoint cannot be resumed: ${message}`, { where: this.name, hint });
  }
}

/** Settings as they stood, but for those that the optimizer is now made with another value of. */
function unchangedSettings(
  { initial, settings }: OptimizerInfo['groups'][number],
  now: GroupSettings,
): Record<string, unknown> {
  const same = (name: string): boolean => JSON.stringify(initial[name]) === JSON.stringify(now[name]);
  return Object.fromEntries(Object.entries(settings).filter(([name]) => same(name)));
}
