/** What we use of jasmine-core 5, which brings no types. */
declare module 'jasmine-core' {
  export interface SpecResult {
    readonly fullName: string;
    readonly status: 'passed' | 'failed' | 'pending' | 'excluded';
    readonly failedExpectations: readonly { readonly message: string }[];
  }

  interface Environment {
    configure(options: { random?: boolean; specFilter?(spec: { getFullName(): string }): boolean }): void;
    addReporter(reporter: {
      specDone(result: SpecResult): void;
      suiteDone(result: SpecResult): void;
      jasmineDone(result: SpecResult): void;
    }): void;
    execute(): Promise<unknown>;
  }

  const jasmineCore: {
    /** Puts `describe`, `it`, `expect` … on the global object. */
    boot(core: unknown): { getEnv(): Environment };
  };
  export default jasmineCore;
}
