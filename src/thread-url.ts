/**
 * URL of a thread's entry file beside the caller's own: `.ts` when running from source (tests), `.js` when
 * running from `dist/`.
 *
 * @param name file name without extension, relative to the caller, such as `./decode-thread`
 * @param from the caller's `import.meta.url`
 */
export function threadUrl(name: string, from: string): URL {
  return new URL(`${name}${from.endsWith('.ts') ? '.ts' : '.js'}`, from);
}
