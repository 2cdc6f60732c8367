// A training service: start, watch, stop, resume and download runs over HTTP. docs/service.md tells more.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildService } from './app.mjs';
import { isLoopback, minTokenLength } from './auth.mjs';

const usage = `Usage: node examples/service/server.mjs [options]
  --host ADDRESS       to listen on [127.0.0.1]; any other than loopback needs a token
  --port N             [8471]; 0: a free one
  --root FOLDER        of the run folders [runs/service]
  --data FOLDER        its entries are the datasets that clients can name
  --recipes FOLDER     its modules are the recipes that clients can name
  --token-file FILE    holds the token; or the environment has it as GRADRING_TOKEN
  --max-running N      runs at a time [2]
  --in-process         runs as threads of the service, not as processes of their own
  --grace SECONDS      after SIGTERM, for steps to end and be saved [25]`;

class UsageError extends Error {}

function readOptions() {
  const { values } = parseArgs({
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '8471' },
      root: { type: 'string', default: 'runs/service' },
      data: { type: 'string' },
      recipes: { type: 'string' },
      'token-file': { type: 'string' },
      'max-running': { type: 'string', default: '2' },
      'in-process': { type: 'boolean', default: false },
      grace: { type: 'string', default: '25' },
      help: { type: 'boolean', default: false },
    },
  });
  const token = readToken(values['token-file']);
  if (token === undefined && !isLoopback(values.host))
    throw new UsageError(
      `${values.host} can be reached from elsewhere, and there is no token: give --token-file, or GRADRING_TOKEN`,
    );
  return {
    ...values,
    token,
    port: numberOf('port', values.port, 0, 65_535),
    running: numberOf('max-running', values['max-running'], 1, 1000),
    graceMs: 1000 * numberOf('grace', values.grace, 0, 86_400),
  };
}

function readToken(file) {
  const token = file === undefined ? process.env.GRADRING_TOKEN : readFileSync(file, 'utf8').trim();
  // Whoever can read the environment of this process, or of a run's, could read it there.
  delete process.env.GRADRING_TOKEN;
  if (token === undefined || token.length >= minTokenLength) return token;
  throw new UsageError(`a token needs at least ${minTokenLength} characters`);
}

function numberOf(name, text, low, high) {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= low && value <= high) return value;
  throw new UsageError(`--${name} is a number from ${low} to ${high}, not '${text}'`);
}

/** The first signal ends it in order, a second one or the end of the grace period at once. */
function closeOnSignal(app, graceMs) {
  let closing = false;
  const close = async signal => {
    if (closing) process.exit(1);
    closing = true;
    app.log.info({ signal }, 'stopping: runs end after their step and are saved');
    // Runs are ended at once when it is over; what hangs even then is left behind.
    setTimeout(() => process.exit(1), graceMs + 5000).unref();
    await app.close();
    process.exitCode = 0;
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void close(signal));
}

async function main() {
  const { help, host, port, root, data, recipes, token, running, graceMs, ...flags } = readOptions();
  if (help) return console.log(usage);
  const isolate = !flags['in-process'];
  const limits = { running };
  const app = await buildService({ root, data, recipes, token, isolate, graceMs, limits, logger: true });
  closeOnSignal(app, graceMs);
  await app.listen({ host, port });
}

try {
  await main();
} catch (error) {
  const isUsage = error instanceof UsageError || error.code?.startsWith('ERR_PARSE_ARGS');
  // A folder that is not there, a port that is taken.
  if (!isUsage && !error.syscall) throw error;
  console.error(isUsage ? `${error.message}\n\n${usage}` : error.message);
  process.exitCode = isUsage ? 2 : 1;
}
