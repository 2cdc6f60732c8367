import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Version of an installed package, found without loading it; undefined where it is not installed. */
export function packageVersion(name: string): string | undefined {
  try {
    return (require(`${name}/package.json`) as { version: string }).version;
  } catch {
    return undefined;
  }
}
