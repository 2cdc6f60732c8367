/** Requests to a Hugging Face hub, or to a mirror of it. */
import { AbortedError, DatasetError } from '../../errors.js';

export interface HubClientOptions {
  /** Default: `HF_ENDPOINT`, else `https://huggingface.co`. */
  readonly endpoint?: string;
  /** For private and gated datasets. Default: `HF_TOKEN`. */
  readonly token?: string;
  readonly signal?: AbortSignal;
}

/** A file of a revision. */
export interface HubFile {
  /** Within the dataset, with `/`. */
  readonly path: string;
  readonly size: number;
  /** SHA-1 of the file as a git object. */
  readonly oid: string;
  /** Of files kept outside of git, which are named by it. */
  readonly sha256?: string;
}

/** The hub has no such dataset, revision or file. */
export class NotFound extends DatasetError {}

const DEFAULT_ENDPOINT = 'https://huggingface.co';

/** Speaks to one endpoint; the token goes nowhere else. */
export class HubClient {
  readonly endpoint: string;
  readonly #token?: string;
  readonly #signal?: AbortSignal;

  constructor({ endpoint, token, signal }: HubClientOptions = {}) {
    this.endpoint = (endpoint || process.env.HF_ENDPOINT || DEFAULT_ENDPOINT).replace(/\/+$/, '');
    this.#token = token || process.env.HF_TOKEN || undefined;
    this.#signal = signal;
  }

  /** The commit that a branch or tag points to. @throws DatasetError, AbortedError */
  async commitOf(dataset: string, revision: string): Promise<string> {
    const { datasetInfo } = await import('@huggingface/hub');
    const request = { name: dataset, revision, additionalFields: ['sha' as const] };
    const { sha } = await datasetInfo({ ...request, ...this.#access(`${dataset}@${revision}`) });
    return checkCommit(sha, `${dataset}@${revision}`);
  }

  /** All files of a commit. @throws DatasetError, AbortedError */
  async files(dataset: string, commit: string): Promise<HubFile[]> {
    const { listFiles } = await import('@huggingface/hub');
    const what = `${dataset}@${commit}`;
    const files: HubFile[] = [];
    const request = { repo: { type: 'dataset', name: dataset } as const, revision: commit, recursive: true };
    for await (const { type, path, size, oid, lfs } of listFiles({ ...request, ...this.#access(what) })) {
      if (type !== 'file' || oid === undefined) continue;
      files.push({ path: checkPath(path, what), size: lfs?.size ?? size, oid, sha256: lfs?.oid });
    }
    return files;
  }

  /** The content of a file from byte `start` on: 206 where the endpoint leaves out what is before it, else 200. */
  download(dataset: string, commit: string, path: string, start = 0): Promise<Response> {
    const name = path.split('/').map(encodeURIComponent).join('/');
    const headers = { 'Accept-Encoding': 'identity', ...(start > 0 ? { Range: `bytes=${start}-` } : {}) };
    const url = `${this.endpoint}/datasets/${dataset}/resolve/${commit}/${name}`;
    return this.#fetch(`${path} of ${dataset}@${commit}`, url, { headers });
  }

  #access(what: string): { hubUrl: string; fetch: typeof fetch } {
    return { hubUrl: this.endpoint, fetch: (url, init) => this.#fetch(what, String(url), init) };
  }

  async #fetch(what: string, url: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.#token !== undefined && new URL(url).origin === new URL(this.endpoint).origin)
      headers.set('Authorization', `Bearer ${this.#token}`);
    let response: Response;
    try {
      // A redirect to another host leaves the Authorization header behind.
      response = await fetch(url, { ...init, headers, signal: this.#signal });
    } catch (cause) {
      throw this.networkError(what, cause);
    }
    if (response.ok) return response;
    await response.body?.cancel();
    throw statusError(response, what, this.endpoint, this.#token !== undefined);
  }

  /** What a connection that failed, or was cut, comes to. */
  networkError(what: string, cause: unknown): DatasetError | AbortedError {
    if (this.#signal?.aborted === true)
      return new AbortedError(`downloading ${what} was aborted`, {
        where: what,
        hint: 'the signal given to it was aborted; files that are complete are kept',
        cause,
      });
    const { message, cause: inner } = cause as Error;
    const reason = inner instanceof Error ? `${message}: ${inner.message}` : message;
    return new DatasetError(`cannot get ${what} from ${this.endpoint}: ${reason}`, {
      where: what,
      hint: 'files that are complete are kept, so try again; HF_ENDPOINT names a mirror, HF_HUB_OFFLINE=1 uses what is in the cache alone',
      cause,
    });
  }
}

function statusError(
  { status, headers }: Response,
  what: string,
  endpoint: string,
  token: boolean,
): DatasetError {
  const code = headers.get('X-Error-Code') ?? '';
  const details = {
    where: what,
    cause: new Error(`status ${status}${code && ` (${code})`} from ${endpoint}`),
  };
  if (code === 'RevisionNotFound')
    return new NotFound(`there is no revision ${what}`, {
      ...details,
      hint: 'give a branch, a tag or a commit of the dataset',
    });
  if (code === 'GatedRepo')
    return new DatasetError(`access to ${what} has to be asked for`, {
      ...details,
      hint: 'accept its conditions on its page on the hub, and give the token of that account: HF_TOKEN',
    });
  // The hub answers 401 for what is private and for what does not exist alike.
  if (status === 401 || status === 403)
    return new DatasetError(`${endpoint} does not give ${what}: status ${status}`, {
      ...details,
      hint: token
        ? 'check the name, and that the token may read it'
        : 'check the name; for a private dataset give a token: HF_TOKEN',
    });
  if (status === 404)
    return new NotFound(`there is no ${what} on ${endpoint}`, {
      ...details,
      hint: 'check owner, name and revision: owner/name@revision',
    });
  return new DatasetError(`${endpoint} answered ${status} for ${what}`, {
    ...details,
    hint: 'try again later; files that are complete are kept',
  });
}

function checkCommit(sha: unknown, what: string): string {
  if (typeof sha === 'string' && /^[\da-f]{40}$/.test(sha)) return sha;
  throw new DatasetError(`the commit of ${what} is '${String(sha)}'`, {
    where: what,
    hint: 'the endpoint does not answer as a hub does',
  });
}

/** Paths come from the network and become paths here: none may lead out of the cache. */
function checkPath(path: string, what: string): string {
  const parts = path.split(/[\\/]/);
  if (
    parts.every(
      part => part !== '' && part !== '.' && part !== '..' && !part.includes('\0') && !part.includes(':'),
    )
  )
    return path;
  throw new DatasetError(`${what} has a file called '${path}'`, {
    where: what,
    hint: 'that is no path within a dataset; nothing was downloaded',
  });
}
