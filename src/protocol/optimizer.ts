/** Optimizer settings as they travel from the Learner to the replicas. */

/** One trainable parameter of the model, in the order of the flat parameter buffer. */
export interface ParameterInfo {
  /** Such as `conv2d_1/kernel`. Unique within the model. */
  readonly name: string;
  readonly shape: readonly number[];
  /** First element in the flat buffer. */
  readonly offset: number;
  /** Number of elements. */
  readonly size: number;
}

export const builtInOptimizers = [
  'sgd',
  'rmsprop',
  'adam',
  'adamw',
  // As the lessons write them out.
  'lessonSgd',
  'lessonMomentum',
  'lessonRmsprop',
  'lessonAdam',
] as const;
export type BuiltInOptimizer = (typeof builtInOptimizers)[number];

/** One of gradring's, or the name of one of the recipe's own. */
export type OptimizerKind = BuiltInOptimizer | (string & {});

/** Hyper-parameters of one group; those its optimizer does not know are absent. */
export interface GroupSettings {
  lr: number;
  weightDecay?: number;
  /** Not updated, its moments and its count of steps left as they are. */
  frozen?: boolean;
  /** sgd, rmsprop, lessonMomentum */
  momentum?: number;
  dampening?: number;
  nesterov?: boolean;
  /** adam, adamw, lessonAdam */
  betas?: readonly [number, number];
  /** rmsprop, lessonRmsprop and those with betas */
  eps?: number;
  /** rmsprop, lessonRmsprop: decay of the running mean of the squared gradient. */
  alpha?: number;
  /** rmsprop: subtract the squared running mean of the gradient. */
  centered?: boolean;
  /** Settings of a recipe's own optimizer. */
  [setting: string]: unknown;
}

/** Which optimizer to build, and which parameters (by index) each of its groups holds. */
export interface OptimizerSpec {
  readonly kind: OptimizerKind;
  readonly groups: readonly (readonly number[])[];
}

/** What an optimizer remembers between steps. */
export interface OptimizerState {
  readonly spec: OptimizerSpec;
  /** Steps taken, one count per group: a frozen group's stands still. */
  readonly steps: readonly number[];
  /** Moments by name, each as long as the flat parameter buffer. */
  readonly buffers: Readonly<Record<string, Float32Array>>;
}

/** What training has made of a model, as flat float32 buffers. */
export interface TrainingState {
  /** In the order of `StepRunner.parameters`. */
  readonly parameters: Float32Array;
  /** Moving statistics and other weights that no gradient moves, in the order of `StepRunner.buffers`. */
  readonly buffers: Float32Array;
  readonly optimizer?: OptimizerState;
  /** Gradients kept since the last `zeroGrad(0)`, where they are more than zero. */
  readonly gradients?: Float32Array;
  /** Running average of the weights (`StepRunner.average`), laid out as they are. */
  readonly average?: { readonly parameters: Float32Array; readonly buffers: Float32Array };
}
