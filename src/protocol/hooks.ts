/** Hooks on the layers of the replicas, as data: functions cannot cross threads. */

export interface HookSpec {
  /** Tells the reports of several hooks apart. */
  readonly id: number;
  /** Names of the layers it is put on. */
  readonly layers: readonly string[];
  /** `forward` sees a layer's output, `gradient` the gradient of the objective for that output. */
  readonly kind: 'forward' | 'gradient';
  /** `stats`, `capture`, `shape`, or the name of one of the recipe's hooks. */
  readonly fn: string;
  /** JSON handed to it. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly onTrain: boolean;
  readonly onValid: boolean;
}

/** Numbers by name. What they mean, and how those of several replicas are merged, is the hook function's. */
export type HookValue = Readonly<Record<string, number | readonly number[] | Float32Array>>;

/** What a hook saw of one layer, on one replica, in one step. */
export interface HookReport {
  readonly hook: number;
  readonly layer: string;
  /** Number of this use of the layer in the forward pass, from 0: a layer can be used several times. */
  readonly use: number;
  readonly value: HookValue;
}
