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

export type OptimizerKind = 'sgd' | 'adam' | 'adamw';

/** Hyper-parameters of one group; those its optimizer does not know are absent. */
export interface GroupSettings {
  lr: number;
  weightDecay?: number;
  /** sgd */
  momentum?: number;
  dampening?: number;
  nesterov?: boolean;
  /** adam, adamw */
  betas?: readonly [number, number];
  eps?: number;
}

/** Which optimizer to build, and which parameters (by index) each of its groups holds. */
export interface OptimizerSpec {
  readonly kind: OptimizerKind;
  readonly groups: readonly (readonly number[])[];
}
