/** The service as the program that it is. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../../src/package-root.js';
import { type Asked, askJson, open } from './service.js';

/** @param flags of server.mjs */
export function spawnService(flags: readonly string[]): ChildProcess {
  const { GRADRING_TOKEN: _, ...env } = process.env;
  const program = join(packageRoot(), 'examples', 'service', 'server.mjs');
  return spawn(process.execPath, [program, ...flags], { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** @returns the port it listens on; reads on after that, for a full pipe would hold it up */
export async function listening(child: ChildProcess): Promise<number> {
  if (!child.stdout || !child.stderr) throw new TypeError('the service needs pipes');
  child.stderr.resume();
  return new Promise((resolve, reject) => {
    child.once('exit', code => reject(new Error(`the service ended with ${code}`)));
    createInterface({ input: child.stdout! }).on('line', line => {
      const [, port] = /listening at http:\/\/127\.0\.0\.1:(\d+)/.exec(line) ?? [];
      if (port !== undefined) resolve(Number(port));
    });
  });
}

export async function exitOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode ?? child.signalCode ?? Number.NaN;
}

/** Reads a run's events until one of this type. */
export async function waitFor(type: string, asked: Asked): Promise<void> {
  const response = await open(asked);
  for await (const chunk of response) if (String(chunk).includes(`event: ${type}\n`)) return;
  throw new Error(`the events ended without ${type}`);
}

export interface Status {
  readonly id: string;
  readonly state: string;
  readonly resumable: boolean;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly devices: readonly string[] | null;
  readonly epoch: { epoch: number; accuracy: number; step: number } | null;
  readonly error: { code: string } | null;
}

export const statusOf = async (port: number, id = '1'): Promise<Status> =>
  (await askJson<Status>({ port, path: `/runs/${id}` })).json;
