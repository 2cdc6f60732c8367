/** Makes a function that changes its argument one that also returns it, as transforms must (miniai's `inplace`). */
export function inplace<B>(change: (batch: B) => unknown): (batch: B) => B | Promise<B> {
  return batch => {
    const done = change(batch);
    return done instanceof Promise ? done.then(() => batch) : batch;
  };
}
