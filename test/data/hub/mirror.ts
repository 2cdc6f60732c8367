/** A hub of our own on this machine: as much of huggingface.co as opening a dataset asks of it. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Files of a commit by path. */
export type Files = Readonly<Record<string, Buffer>>;

export interface MirroredDataset {
  /** Files of each branch; the commit is made of the branch's name. */
  readonly branches: Readonly<Record<string, Files>>;
  /** Whoever has it may read. */
  readonly token?: string;
}

/** What happens to a file on its way: given the request's number for that file, from 0. */
export type Mishap = (attempt: number) => { readonly cutAfter?: number; readonly flip?: boolean };

export const commitOf = (branch: string): string => createHash('sha1').update(branch).digest('hex');
const isLarge = (path: string): boolean => path.endsWith('.parquet');

export class Mirror {
  readonly datasets: Readonly<Record<string, MirroredDataset>>;
  /** Path of each, and the range asked for. */
  readonly requests: string[] = [];
  /** Authorization headers that came. */
  readonly authorizations: (string | undefined)[] = [];
  #mishaps: Readonly<Record<string, Mishap>> = {};
  readonly #attempts = new Map<string, number>();
  readonly #server: Server;

  private constructor(datasets: Readonly<Record<string, MirroredDataset>>) {
    this.datasets = datasets;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(datasets: Readonly<Record<string, MirroredDataset>>): Promise<Mirror> {
    const mirror = new Mirror(datasets);
    mirror.#server.listen(0, '127.0.0.1');
    await once(mirror.#server, 'listening');
    return mirror;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  /** By path of the file, from now on; without any, all goes well. */
  misbehave(mishaps: Readonly<Record<string, Mishap>> = {}): void {
    this.#mishaps = mishaps;
    this.#attempts.clear();
  }

  #answer(request: IncomingMessage, response: ServerResponse): ServerResponse {
    const { pathname, searchParams } = new URL(request.url as string, this.endpoint);
    this.requests.push(decodeURIComponent(pathname) + (request.headers.range ?? ''));
    this.authorizations.push(request.headers.authorization);
    const [, api, id, what, rest] =
      /^\/(api\/)?datasets\/([^/]+\/[^/]+)\/(revision|tree|resolve)\/(.+)$/.exec(pathname) ?? [];
    const dataset = this.datasets[id];
    if (dataset === undefined) return refuse(response, 404, 'RepoNotFound');
    if (dataset.token !== undefined && request.headers.authorization !== `Bearer ${dataset.token}`)
      return refuse(response, 401, 'RepoNotFound');
    const [revision, ...path] = rest.split('/').map(decodeURIComponent);
    const branch = Object.keys(dataset.branches).find(
      name => name === revision || commitOf(name) === revision,
    );
    if (branch === undefined) return refuse(response, 404, 'RevisionNotFound');
    if (api !== undefined && what === 'revision')
      return json(response, { _id: id, id, sha: commitOf(branch) });
    const files = dataset.branches[branch];
    if (what === 'tree') return this.#tree(pathname, files, Number(searchParams.get('cursor')), response);
    const content = files[path.join('/')];
    if (content === undefined) return refuse(response, 404, 'EntryNotFound');
    return this.#send(path.join('/'), content, request.headers.range, response);
  }

  /** Two files a page. */
  #tree(pathname: string, files: Files, cursor: number, response: ServerResponse): ServerResponse {
    const entries = Object.entries(files).map(([path, content]) => ({
      type: 'file',
      path,
      size: content.length,
      oid: createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex'),
      ...(isLarge(path) ? { lfs: { oid: sha256(content), size: content.length, pointerSize: 130 } } : {}),
    }));
    const next = cursor + 2;
    if (next < entries.length)
      response.setHeader('Link', `<${this.endpoint}${pathname}?recursive=true&cursor=${next}>; rel="next"`);
    return json(response, entries.slice(cursor, next));
  }

  #send(path: string, content: Buffer, range: string | undefined, response: ServerResponse): ServerResponse {
    const attempt = this.#attempts.get(path) ?? 0;
    this.#attempts.set(path, attempt + 1);
    const { cutAfter, flip } = this.#mishaps[path]?.(attempt) ?? {};
    const start = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const part = Buffer.from(content.subarray(start));
    if (flip) part[part.length >> 1] ^= 1;
    const headers = { 'Content-Length': part.length, ETag: `"${sha256(content)}"` };
    const contentRange = `bytes ${start}-${content.length - 1}/${content.length}`;
    if (start > 0) response.writeHead(206, { ...headers, 'Content-Range': contentRange });
    else response.writeHead(200, headers);
    if (cutAfter === undefined) return response.end(part);
    response.write(part.subarray(0, cutAfter), () => response.destroy());
    return response;
  }
}

export const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

function json(response: ServerResponse, value: unknown): ServerResponse {
  return response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

function refuse(response: ServerResponse, status: number, code: string): ServerResponse {
  response.writeHead(status, { 'X-Error-Code': code, 'Content-Type': 'application/json' });
  return response.end(JSON.stringify({ error: code }));
}
