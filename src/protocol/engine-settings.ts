/** How an engine computes. Those that cannot do otherwise refuse what is not their default. */
export interface EngineSettings {
  /** Type of convolutions and matrix products; weights, batch norm and loss are always float32. */
  readonly precision: 'fp32' | 'bf16';
  /** Whether CUDA may round the inputs of float32 products to TensorFloat-32. */
  readonly tf32: boolean;
  /** Only algorithms that give the same bits at every run, on CUDA too. */
  readonly deterministic: boolean;
  /** Whether whole layers are joined into one native program where the model allows. */
  readonly fuse: boolean;
  /** Whether CUDA records a step as a graph and replays it. */
  readonly cudaGraph: boolean;
  /** Processor threads of one replica. */
  readonly threads: number;
}

export const defaultEngineSettings: EngineSettings = {
  precision: 'fp32',
  tf32: false,
  deterministic: false,
  fuse: true,
  cudaGraph: false,
  threads: 1,
};
