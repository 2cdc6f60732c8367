/** The files of a run: only what lies in its folder, never what a link in it leads to, and nothing hidden. */
import { constants } from 'node:fs';
import { open, readdir, realpath } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { create } from 'tar';
import { notFound } from './problems.mjs';

const types = {
  '.json': 'application/json',
  '.jsonl': 'application/x-ndjson',
  '.csv': 'text/csv; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

/** Half written, hidden, or a name that means something else to some system. */
const isPlainName = name => /^[^.\\/:\0][^\\/:\0]*$/.test(name) && !name.endsWith('.tmp');

/**
 * @typedef {{ path: string, bytes: number, modified: string }} RunFile
 * @param {string} folder
 * @returns {Promise<RunFile[]>} with paths relative to the folder, `/` between their parts
 */
export async function listFiles(folder, prefix = '') {
  const found = [];
  for (const entry of await readdir(join(folder, prefix), { withFileTypes: true })) {
    const path = `${prefix}${entry.name}`;
    if (!isPlainName(entry.name)) continue;
    if (entry.isDirectory()) found.push(...(await listFiles(folder, `${path}/`)));
    if (!entry.isFile()) continue;
    // Of an older checkpoint that is removed at this moment.
    const file = await openFile(folder, path).catch(() => undefined);
    if (file === undefined) continue;
    const { size, mtime } = file.stats;
    await file.handle.close();
    found.push({ path, bytes: size, modified: mtime.toISOString() });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * @param {string} folder @param {string} path as a client wrote it, percent signs decoded once
 * @throws Refusal (404) whatever is wrong with it: what lies elsewhere is nobody's business
 */
export async function openFile(folder, path) {
  const parts = path.split('/');
  if (!parts.every(isPlainName)) throw notFound('such file');
  const root = await realpath(folder).catch(() => undefined);
  const wanted = root && join(root, ...parts);
  if (!wanted || (await realpath(wanted).catch(() => undefined)) !== wanted) throw notFound('such file');
  // Not through a link that was put there since, and without waiting for who writes to a pipe.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const handle = await open(wanted, flags).catch(() => {
    throw notFound('such file');
  });
  const stats = await handle.stat();
  if (stats.isFile()) return { handle, stats };
  await handle.close();
  throw notFound('such file');
}

/**
 * @param {import('fastify').FastifyRequest} request @param {import('fastify').FastifyReply} reply
 * @param {{ folder: string, path: string }} file
 */
export async function sendFile(request, reply, { folder, path }) {
  const { handle, stats } = await openFile(folder, path);
  const tag = `W/"${stats.size.toString(36)}-${Math.round(stats.mtimeMs).toString(36)}"`;
  if (request.headers['if-none-match'] === tag) {
    await handle.close();
    return reply.code(304).send();
  }
  const name = path.split('/').at(-1);
  reply.headers({
    'content-type': types[extname(name)] ?? 'application/octet-stream',
    'content-length': stats.size,
    etag: tag,
    // Text of a dataset or a recipe may be in them: no file is shown as a page of this service.
    ...asDownload(name),
  });
  if (stats.size > 0) return reply.send(handle.createReadStream({ start: 0, end: stats.size - 1 }));
  await handle.close();
  return reply.send('');
}

/**
 * All files of a run as `.tar.gz`, made while they are sent.
 *
 * @param {import('fastify').FastifyReply} reply @param {{ id: string, folder: string }} run
 */
export async function sendArchive(reply, { id, folder }) {
  const paths = (await listFiles(folder)).map(({ path }) => `./${path}`);
  if (paths.length === 0) throw notFound('file in this run');
  const archive = create({ gzip: true, portable: true, cwd: folder, prefix: `run-${id}` }, paths);
  const sent = new PassThrough();
  archive.on('error', error => sent.destroy(error));
  // Broken off, it still goes to its end, read by nobody: only then are its files closed.
  sent.on('close', () => {
    archive.unpipe(sent);
    archive.resume();
  });
  reply.headers({ 'content-type': 'application/gzip', ...asDownload(`run-${id}.tar.gz`) });
  return reply.send(archive.pipe(sent));
}

/** @param {string} name */
const asDownload = name => ({
  'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name)}`,
  'content-security-policy': "default-src 'none'; sandbox",
});
