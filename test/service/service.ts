/** The example service in a test: listening on a free port, with runs that the test itself drives. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import type { FastifyInstance } from 'fastify';
import { AbortedError, type ErrorCode, GradringError } from '../../src/errors.js';
import { packageRoot } from '../../src/package-root.js';
import type { TrainOptions } from '../../src/run/config.js';
import { EventHistory } from '../../src/run/event-history.js';
import { failureOf } from '../../src/run/run-events.js';
import type { Run, RunContext } from '../../src/run/run-handle.js';
import type { TrainSummary } from '../../src/run/summary.js';

export interface ServiceOptions {
  readonly root: string;
  readonly token?: string;
  readonly data?: string;
  readonly recipes?: string;
  readonly limits?: Readonly<Record<string, number>>;
  readonly isolate?: boolean;
  readonly startRun?: (options: TrainOptions, context: RunContext) => Run;
}

/** A module of the example: it is JavaScript, and has no types of its own. */
export async function load<T>(name: string): Promise<T> {
  return (await import(pathToFileURL(join(packageRoot(), 'examples/service', name)).href)) as T;
}

interface Teardown {
  teardown(close: () => Promise<void>): void;
}

/** The service and its port. */
export async function listen(
  t: Teardown,
  options: ServiceOptions,
): Promise<{ app: FastifyInstance; port: number }> {
  const { buildService } = await load<{
    buildService(options: ServiceOptions): Promise<FastifyInstance>;
  }>('app.mjs');
  const app = await buildService(options);
  t.teardown(() => app.close());
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return { app, port: Number(new URL(url).port) };
}

export interface Asked {
  readonly port: number;
  readonly method?: string;
  /** Sent as it is: no `..` is resolved, nothing encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Sends a request; the body of the answer is not read yet. */
export async function open({ body, headers, ...to }: Asked): Promise<IncomingMessage> {
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const sent = request({ host: '127.0.0.1', agent: false, ...to, headers: { ...json, ...headers } });
  sent.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return response;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

export async function ask(asked: Asked): Promise<Answer> {
  const response = await open(asked);
  return { status: response.statusCode ?? 0, headers: response.headers, text: await text(response) };
}

/** As `ask`, of an answer that is JSON; `T` is what the test expects of it. */
export async function askJson<T>(asked: Asked): Promise<{ status: number; json: T }> {
  const { status, text } = await ask(asked);
  return { status, json: JSON.parse(text) as T };
}

export interface Problem {
  readonly error: { code: string; message: string; where?: string; hint?: string };
}

/** A run that goes on until the test, or a stop, ends it. */
export class FakeRun implements Run {
  readonly id: string;
  readonly events: EventHistory;
  readonly result: Promise<TrainSummary>;
  readonly options: TrainOptions;
  #settle!: { resolve(summary: TrainSummary): void; reject(error: Error): void };

  constructor(options: TrainOptions, { id = 'fake' }: RunContext) {
    this.id = id;
    this.options = options;
    this.events = new EventHistory(id);
    this.result = new Promise<TrainSummary>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.result.catch(() => {});
  }

  progress(step: number): void {
    this.events.push({ type: 'progress', epoch: 1, batch: step, batches: 9, step, loss: 1, phase: 'train' });
  }

  output(text: string): void {
    this.events.push({ type: 'output', replica: 0, text });
  }

  fail(error: Error): void {
    this.events.push({ type: 'failed', error: failureOf(error) });
    this.#settle.reject(error);
  }

  stop(): void {
    this.fail(new AbortedError('the run was stopped before its first step'));
  }

  async close(): Promise<void> {
    this.stop();
  }
}

/** Starts fake runs, and keeps them. */
export function fakes(): { started: FakeRun[]; startRun: NonNullable<ServiceOptions['startRun']> } {
  const started: FakeRun[] = [];
  return {
    started,
    startRun: (options, context) => {
      const run = new FakeRun(options, context);
      started.push(run);
      return run;
    },
  };
}

export const failure = (code: ErrorCode, message: string): GradringError => new GradringError(code, message);
