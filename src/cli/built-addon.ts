/** What the doctor asks of any addon: does it load, and is it made of the sources that are here. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { packageRoot } from '../package-root.js';

/** The build's own scripts: the doctor looks with the same eyes. */
export const buildScript = <T>(name: string): Promise<T> =>
  import(pathToFileURL(join(packageRoot(), 'scripts', 'native', name)).href);

/** Why an addon does not load, tried in a process of its own: a library that does not fit may end the process. */
export async function loadFailure(addon: string): Promise<string | undefined> {
  try {
    await promisify(execFile)(process.execPath, ['-e', 'require(process.argv[1])', addon], {
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    return undefined;
  } catch (error) {
    const { stderr = '', signal } = error as { stderr?: string; signal?: string };
    return (
      /^Error: (.*)$/m.exec(stderr)?.[1] ??
      (signal ? `the process died of ${signal}` : 'for no stated reason')
    );
  }
}

/**
 * Whether an addon is as new as its sources.
 *
 * @param planOf what it would be made of now, from this folder of sources, with this compiler
 */
export async function isCurrent(
  addon: string,
  folder: readonly string[],
  planOf: (sources: string, compiler: object) => Promise<object>,
): Promise<boolean> {
  const sources = join(packageRoot(), ...folder);
  const toolchain = await buildScript<{ findCompiler(): object | undefined }>('toolchain.mjs');
  const compiler = toolchain.findCompiler();
  // Without a compiler or sources there is nothing newer to be made.
  if (!compiler || !existsSync(sources)) return true;
  const build = await buildScript<{ isCurrent(job: { plan: object; target: string }): boolean }>(
    'compile.mjs',
  );
  return build.isCurrent({ plan: await planOf(sources, compiler), target: addon });
}
