/** What the coordinator knows of the replicas' model. */

export interface LayerWeight {
  /** Such as `conv2d_1/kernel`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly trainable: boolean;
}

/** One layer of the model, in the order of the model. */
export interface LayerInfo {
  readonly name: string;
  /** Class name, such as `Conv2D`. */
  readonly type: string;
  /** Without the batch dimension; the first input's where there are several. */
  readonly inputShape: readonly (number | null)[];
  /** Without the batch dimension. */
  readonly outputShape: readonly (number | null)[];
  readonly parameters: number;
  readonly weights: readonly LayerWeight[];
}
