/** Hooks on the layers of the replicas, as data: functions cannot cross threads. */

/** Hook functions that every replica has; the others are the recipe's (worker/hook-functions.ts). */
export const builtInHookNames = ['stats', 'shape', 'capture'] as const;
export type BuiltInHook = (typeof builtInHookNames)[number];

export interface HookSpec {
  /** Tells the reports of several hooks apart. */
  readonly id: number;
  /** Names of the layers it is put on. */
  readonly layers: readonly string[];
  /** `forward` sees a layer's output, `gradient` the gradient of the objective for that output. */
  readonly kind: 'forward' | 'gradient';
  /** A built-in one, or the name of one of the recipe's hooks. */
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

/** Options of `stats`: its histogram. */
export interface HistogramRange {
  readonly bins: number;
  /** Edges of the first and the last bin; with `log10` their exponents. */
  readonly low: number;
  readonly high: number;
  /** What is counted: sizes |x|, the values themselves, or log10 |x|, where the first bin has all that is smaller. */
  readonly scale: 'size' | 'signed' | 'log10';
}
