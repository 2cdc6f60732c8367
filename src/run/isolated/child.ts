/**
 * Entry of the process of an isolated run. It does what the host asks for in its first message, and ends with the run.
 * It is a process of our own: here, and nowhere else in the library, signals are handled.
 */
import { errorToWire } from '../../errors.js';
import { runHere } from '../run-here.js';
import type { Logger } from '../run-log.js';
import type { FromProcess, LogLevel, RunRequest, ToProcess } from './messages.js';

/** How long what is left of a run may keep the process after it is over, in ms. */
const lingerMs = 2000;

const stopper = new AbortController();
const aborter = new AbortController();
let graceMs = 0;

/** A host that is gone hears nothing, which is no error. */
function send(message: FromProcess, then: () => void = () => {}): void {
  if (process.connected) process.send?.(message, then);
  else then();
}

const tell =
  (level: LogLevel) =>
  (record: object, message: string): void =>
    send({ type: 'log', level, record, message });

const logger: Logger = {
  debug: tell('debug'),
  info: tell('info'),
  warn: tell('warn'),
  error: tell('error'),
};

async function run({ options, id, logs, ...request }: RunRequest): Promise<void> {
  graceMs = request.graceMs;
  const context = {
    id,
    logger: logs ? logger : undefined,
    savesAtStart: true,
    onFolder: (path: string, config: Extract<FromProcess, { type: 'folder' }>['config']) =>
      send({ type: 'folder', path, config }),
  };
  const controls = {
    emit: (event: Extract<FromProcess, { type: 'event' }>['event']) => send({ type: 'event', event }),
    signal: stopper.signal,
    abortSignal: aborter.signal,
  };
  let last: FromProcess;
  try {
    last = { type: 'end', summary: await runHere(options, context, controls) };
  } catch (error) {
    last = { type: 'failed', error: errorToWire(error) };
  }
  send(last, end);
}

/** With the channel closed nothing is left that keeps the process; what should be left all the same is cut off. */
function end(): void {
  if (process.connected) process.disconnect();
  setTimeout(() => process.exit(), lingerMs).unref();
}

process.on('message', (message: ToProcess) => {
  if (message.type === 'run') void run(message.request);
  else if (message.type === 'stop') stopper.abort(message.reason);
  else aborter.abort();
});
// Ctrl-C in a terminal, and its closing, reach every process of the group: what becomes of the run is for the host to say.
for (const name of ['SIGINT', 'SIGHUP']) process.on(name, () => {});
process.on('SIGTERM', () => stopper.abort('SIGTERM'));
process.on('disconnect', () => {
  stopper.abort('its host is gone');
  setTimeout(() => process.exit(1), graceMs).unref();
});
// Nobody reads them once the host is gone.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
