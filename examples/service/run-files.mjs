/** What the folder of a run tells of it once the run is over, whether it ended or was cut off. */
import { access, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listCheckpoints } from 'gradring';

/**
 * @typedef {object} EndedRun
 * @property {'done' | 'stopped' | 'failed' | 'interrupted'} state interrupted: the program went away while it ran
 * @property {string} created ISO 8601
 * @property {Record<string, unknown>} config
 * @property {Record<string, unknown> | null} summary
 * @property {Record<string, unknown> | null} error
 * @property {import('gradring').EpochRecord | null} epoch the newest
 * @property {boolean} resumable
 */

/** @param {string} folder @returns {Promise<EndedRun>} */
export async function readRun(folder) {
  const [config, summary, error, records, checkpoints, { birthtime }] = await Promise.all([
    readJson(join(folder, 'config.json')),
    readJson(join(folder, 'summary.json')),
    readJson(join(folder, 'FAILED.json')),
    readRecords(folder),
    listCheckpoints(join(folder, 'checkpoints')),
    stat(folder),
  ]);
  const state = stateOf(summary, error);
  return {
    state,
    created: birthtime.toISOString(),
    config: config ?? {},
    summary: summary && { ...summary, folder: undefined },
    error: error && { ...error, stack: undefined },
    epoch: records.at(-1) ?? null,
    resumable: state !== 'done' && config !== null && checkpoints.length > 0,
  };
}

/**
 * @param {Record<string, unknown> | null} summary @param {Record<string, unknown> | null} error
 * @returns {EndedRun['state']}
 */
export function stateOf(summary, error) {
  // Stopped before there was anything to save.
  if (error) return error.code === 'E_ABORTED' ? 'stopped' : 'failed';
  if (summary) return summary.stopped ? 'stopped' : 'done';
  return 'interrupted';
}

/** The epochs of a run, the oldest first. @returns {Promise<import('gradring').EpochRecord[]>} */
export async function readRecords(folder) {
  const lines = (await readText(join(folder, 'metrics.jsonl'))).split('\n');
  return lines.map(parse).filter(record => record !== null);
}

/**
 * What is left of the events of a run that is over: its epochs, and how it ended.
 *
 * @param {string} id @param {string} folder
 */
export async function endedEvents(id, folder) {
  const { state, summary, error } = await readRun(folder);
  const epochs = (await readRecords(folder)).map(record => ({ type: 'epoch', record }));
  const last =
    summary && !error ? { type: 'end', summary } : { type: 'failed', error: error ?? cutOff(state) };
  return [...epochs, last].map((event, index) => ({ ...event, run: id, seq: index + 1 }));
}

/** @param {string} state */
const cutOff = state => ({ code: 'E_ABORTED', message: `the run was ${state}` });

/**
 * Notes a failure that came before the run had a folder to note it in, or took the whole process along.
 *
 * @param {string} folder @param {object} error plain JSON
 */
export async function noteFailure(folder, error) {
  const told = await Promise.allSettled(
    ['FAILED.json', 'summary.json'].map(name => access(join(folder, name))),
  );
  if (told.some(({ status }) => status === 'fulfilled')) return;
  await writeFile(join(folder, 'FAILED.json'), `${JSON.stringify(error, null, 2)}\n`);
}

/** @returns {Promise<Record<string, unknown> | null>} null where it is not there, or no JSON */
const readJson = async path => parse(await readText(path));

const readText = path => readFile(path, 'utf8').catch(() => '');

/** A run that was cut off may leave half a line. @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
