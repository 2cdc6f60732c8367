/**
 * tfjs-core's own tests as one file that Node can load. The package ships them as ES modules with extensionless
 * imports in a package that does not say so; a bundle is what makes them loadable.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { packageVersion } from '../../src/engine/package-version.js';
import { packageRoot } from '../../src/package-root.js';

export interface TestEnvironment {
  readonly name: string;
  readonly backendName: string;
  /** Whether the backend can be read synchronously: without it the suite leaves out what needs that. */
  readonly isDataSync: boolean;
}

export interface Suite {
  /** Declares every spec with jasmine, to be run in this environment only. */
  declare(environment: TestEnvironment): void;
}

/** Environments must be set before the tests are loaded: a test file declares its specs for each of them. */
const entry = `
require('./public/chained_ops/register_all_chained_ops');
require('./register_all_gradients');
exports.declare = environment => {
  require('./jasmine_util').setTestEnvs([environment]);
  require('./tests');
};`;

/** Loads the suite, bundling it first where that was not done yet. */
export async function loadSuite(): Promise<Suite> {
  const version = packageVersion('@tensorflow/tfjs-core');
  const digest = createHash('sha256').update(entry).digest('hex').slice(0, 8);
  const file = join(packageRoot(), '.build', 'conformance', `tfjs-core-${version}-${digest}.cjs`);
  if (!existsSync(file)) await bundle(file);
  return createRequire(import.meta.url)(file);
}

async function bundle(outfile: string): Promise<void> {
  const { build } = await import('esbuild');
  const core = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-core'));
  await build({
    stdin: { contents: entry, resolveDir: core },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    mainFields: ['module', 'main'],
    // Tests import the package by its name too; there must be one copy.
    alias: { '@tensorflow/tfjs-core': core },
    external: ['jasmine-core', 'node-fetch'],
    // The package declares its tests free of side effects, and they would be dropped without a word.
    ignoreAnnotations: true,
    logLevel: 'error',
  });
}
