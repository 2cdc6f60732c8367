/** The thread's end of `threads.ts`. */
import { parentPort } from 'node:worker_threads';
import { errorToWire } from '../src/errors.js';
import type { Answer } from './threads.js';

/** Answers every message with what `handle` makes of it, or with what it threw. */
export function serve<Message, T>(handle: (message: Message) => T | Promise<T>): void {
  const answer = async (message: Message): Promise<Answer<T>> => {
    try {
      return { ok: true, value: await handle(message) };
    } catch (error) {
      return { ok: false, error: errorToWire(error) };
    }
  };
  parentPort?.on('message', (message: Message) => {
    void answer(message).then(reply => parentPort?.postMessage(reply));
  });
}
