/** Wakes one waiter, whichever of several events comes first. */
export class Wakeup {
  #resolve: (() => void) | undefined;

  /** With nobody waiting it is lost: a waiter looks at what it waits for before it waits. */
  wake(): void {
    const resolve = this.#resolve;
    this.#resolve = undefined;
    resolve?.();
  }

  /** Settles at the next `wake`. */
  next(): Promise<void> {
    return new Promise(resolve => {
      this.#resolve = resolve;
    });
  }
}
