/** The `profile` command: prints what was measured, and writes it where asked. */
import { extname } from 'node:path';
import { writeAtomically } from '../atomic-write.js';
import { renderPng, renderSvg } from '../plot/render.js';
import type { LoaderProfile } from '../profile/loader-profile.js';
import { profileChart } from '../profile/profile-chart.js';
import { profileLoader } from '../profile/profile-loader.js';
import { DataProgressLine } from './data-progress.js';
import { exitCodeOf, exitCodes } from './exit-codes.js';
import { listenForInterrupts } from './interrupt.js';
import { type ProfileFlags, parseProfileFlags, profileHelp } from './profile-flags.js';
import { profileLines } from './profile-lines.js';
import { describeError } from './report-error.js';

const out = (text: string): void => void process.stdout.write(`${text}\n`);
const err = (text: string): void => void process.stderr.write(`${text}\n`);

/** Runs the command; the exit code says how it went. */
export async function main(args: readonly string[]): Promise<void> {
  // Whoever read us (`| head -1`) has enough.
  process.stdout.on('error', error => process.exit('code' in error && error.code === 'EPIPE' ? 0 : 1));
  const interrupts = listenForInterrupts({ say: err, stopping: 'stopping', again: 'stops now' });
  try {
    const flags = parseProfileFlags(args);
    if (flags.help) out(profileHelp());
    else await profile(flags, interrupts.signal);
    // Nothing to profile was named: the help is what to do about it.
    process.exitCode = args.length === 0 ? exitCodes.usage : exitCodes.done;
  } catch (error) {
    process.exitCode = interrupts.exitCode ?? exitCodeOf(error);
    const color = Boolean(process.stderr.isTTY) && !process.env.NO_COLOR;
    if (interrupts.exitCode === undefined) {
      err(describeError(error, { debug: args.includes('--debug'), color }));
    }
  } finally {
    interrupts.close();
  }
}

async function profile({ options, json, chart }: ProfileFlags, signal: AbortSignal): Promise<void> {
  const fetching = new DataProgressLine(process.stderr);
  const onProgress = (what: string): void => {
    fetching.clear();
    err(`measuring ${what}`);
  };
  const context = { signal, onProgress, onDataProgress: fetching.show };
  const measured = await profileLoader(options, context);
  out(profileLines(measured));
  if (json !== undefined) writeAtomically(json, `${JSON.stringify(measured, null, 2)}\n`);
  if (chart !== undefined) await draw(measured, chart);
}

async function draw(measured: LoaderProfile, file: string): Promise<void> {
  const render = extname(file).toLowerCase() === '.png' ? renderPng : renderSvg;
  writeAtomically(file, await render(profileChart(measured)));
}
