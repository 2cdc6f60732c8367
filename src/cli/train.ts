/** The `train` command: the only place that reads argv, prints, handles signals and sets the exit code. */
import { ProgressCB } from '../callbacks/progress.js';
import { listDevices } from '../engine/devices.js';
import { AbortedError } from '../errors.js';
import { ownVersion } from '../run/environment.js';
import { findLr } from '../run/find-lr.js';
import { train } from '../run/train.js';
import type { TrainContext } from '../run/train-context.js';
import { progressText } from './data-progress.js';
import { deviceTable } from './device-table.js';
import { exitCodeOf, exitCodes } from './exit-codes.js';
import { type ParsedFlags, parseFlags } from './flags.js';
import { help } from './help.js';
import { listenForInterrupts } from './interrupt.js';
import { trainIsolated } from './isolated-training.js';
import { describeError } from './report-error.js';
import { err, out } from './run-command.js';
import { endLines, foundLrLines, startLines, warningLines } from './run-lines.js';
import { savedLines } from './saved-lines.js';
import { TerminalLine } from './terminal-line.js';

/** Runs the command; the exit code says how it went. */
export async function main(args: readonly string[]): Promise<void> {
  let debug = args.includes('--debug');
  // Whoever read us (`| head -1`) has enough: that is no error of ours, and nothing more can be said.
  process.stdout.on('error', error => process.exit('code' in error && error.code === 'EPIPE' ? 0 : 1));
  try {
    const flags = parseFlags(args);
    debug = flags.debug;
    process.exitCode = await act(flags);
  } catch (error) {
    tell(error, debug);
    process.exitCode = exitCodeOf(error);
  }
}

function tell(error: unknown, debug: boolean): void {
  const color = Boolean(process.stderr.isTTY) && !process.env.NO_COLOR;
  err(describeError(error, { debug, color }));
}

async function act(flags: ParsedFlags): Promise<number> {
  switch (flags.action) {
    case 'help':
    case 'help-all':
      out(help(flags.action === 'help-all'));
      return exitCodes.done;
    case 'version':
      out(ownVersion());
      return exitCodes.done;
    case 'list-devices':
      out(deviceTable(await listDevices()));
      return exitCodes.done;
    case 'find-lr':
    case 'train':
      return runTraining(flags);
  }
}

async function runTraining({ action, options, log, grace, isolate, debug }: ParsedFlags): Promise<number> {
  const fetching = new TerminalLine(process.stderr);
  const progress = new ProgressCB({ stream: process.stderr, plot: options.plot });
  // Above what is redrawn, so that neither tears the other.
  const say = (...lines: string[]): void => {
    if (log === 'quiet') return;
    fetching.clear();
    progress.print(...lines);
  };
  const interrupts = listenForInterrupts({ say, graceMs: grace * 1000, closeMs: 4000 });
  let folder: string | undefined;
  const context: Record<ParsedFlags['log'], Partial<TrainContext>> = {
    pretty: {
      callbacks: [progress],
      onWarning: warning => say(...warningLines(warning)),
      onDataProgress: progress => fetching.show(progressText(progress)),
      onStart: start => {
        fetching.clear();
        err(startLines(start));
      },
    },
    json: {
      onEpoch: record => out(JSON.stringify(record)),
      onWarning: warning => out(JSON.stringify({ event: 'warning', ...warning })),
    },
    quiet: {},
  };
  const told = context[log];
  const { signal, abortSignal } = interrupts;
  const given: TrainContext = {
    ...told,
    signal,
    abortSignal,
    onOutput: (replica, text) => say(...`replica ${replica}: ${text.trimEnd()}`.split('\n')),
    onFolder: path => {
      folder = path;
    },
  };
  try {
    if (action === 'find-lr') {
      const found = await findLr(options, given);
      out(log === 'json' ? JSON.stringify({ event: 'lr', ...found }) : foundLrLines(found));
      return interrupts.exitCode ?? exitCodes.done;
    }
    const show = log === 'pretty' ? fetching.show : undefined;
    const summary = isolate
      ? await trainIsolated(options, given, { say, show })
      : await train(options, given);
    if (log === 'json') out(JSON.stringify({ event: 'summary', ...summary }));
    if (log === 'pretty') err(endLines(summary));
    if (summary.stopped) say(...(await savedLines(folder)));
    return interrupts.exitCode ?? exitCodes.done;
  } catch (error) {
    const { exitCode } = interrupts;
    const isWanted = error instanceof AbortedError && exitCode !== undefined;
    if (!isWanted) tell(error, debug);
    say(...(await savedLines(folder)));
    return isWanted ? exitCode : exitCodeOf(error);
  } finally {
    fetching.clear();
    interrupts.close();
  }
}
