/** The bench command in a process of its own. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const command = fileURLToPath(new URL('../../bench/run.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export function start(...args: string[]) {
  const child = spawn(process.execPath, [command, ...args]);
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', text => {
    err += text;
  });
  const done = new Promise<Ended>(resolve => child.once('close', code => resolve({ code, out, err })));
  return { child, done };
}

export const bench = (...args: string[]): Promise<Ended> => start(...args).done;
