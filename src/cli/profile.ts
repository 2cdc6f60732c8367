/** The `profile` command: prints what was measured, and writes it where asked. */
import { extname } from 'node:path';
import { writeAtomically } from '../atomic-write.js';
import type { DataProgress } from '../data/parquet/parquet-splits.js';
import { renderPng, renderSvg } from '../plot/render.js';
import type { LoaderProfile } from '../profile/loader-profile.js';
import { profileChart } from '../profile/profile-chart.js';
import { profileLoader } from '../profile/profile-loader.js';
import { progressText } from './data-progress.js';
import { exitCodes } from './exit-codes.js';
import { type ProfileFlags, parseProfileFlags, profileHelp } from './profile-flags.js';
import { profileLines } from './profile-lines.js';
import { err, out, runCommand } from './run-command.js';
import { TerminalLine } from './terminal-line.js';

/** Runs the command; the exit code says how it went. */
export function main(args: readonly string[]): Promise<void> {
  const run = async (signal: AbortSignal): Promise<number> => {
    const flags = parseProfileFlags(args);
    if (flags.help) out(profileHelp());
    else await profile(flags, signal);
    // Nothing to profile was named: the help is what to do about it.
    return args.length === 0 ? exitCodes.usage : exitCodes.done;
  };
  return runCommand(args, { stopping: 'stopping', run });
}

async function profile({ options, json, chart }: ProfileFlags, signal: AbortSignal): Promise<void> {
  const fetching = new TerminalLine(process.stderr);
  const onProgress = (what: string): void => {
    fetching.clear();
    err(`measuring ${what}`);
  };
  const context = {
    signal,
    onProgress,
    onDataProgress: (progress: DataProgress) => fetching.show(progressText(progress)),
  };
  const measured = await profileLoader(options, context);
  out(profileLines(measured));
  if (json !== undefined) writeAtomically(json, `${JSON.stringify(measured, null, 2)}\n`);
  if (chart !== undefined) await draw(measured, chart);
}

async function draw(measured: LoaderProfile, file: string): Promise<void> {
  const render = extname(file).toLowerCase() === '.png' ? renderPng : renderSvg;
  writeAtomically(file, await render(profileChart(measured)));
}
