/** What a run of the GPU check was asked for; the checks' own processes get it as JSON. */
export interface Settings {
  /** Such as `cuda:0`. */
  readonly device: string;
  /** Small sizes, to try the check itself. */
  readonly quick: boolean;
  /** The Python that has PyTorch; absent where none has. */
  readonly python?: string;
}

export const isCuda = ({ device }: Settings): boolean => device.startsWith('cuda');

/** What a check found out. */
export interface Outcome {
  readonly figures: Readonly<Record<string, string | number>>;
  /** None: it passed. */
  readonly problems: readonly string[];
  /** Why it could not be made here. */
  readonly skipped?: string;
}
