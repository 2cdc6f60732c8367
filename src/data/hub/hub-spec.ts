/** `owner/name[@revision][:config]`. */
import { ConfigError } from '../../errors.js';

export interface HubSpec {
  /** `owner/name`; the oldest datasets have no owner. */
  readonly dataset: string;
  /** Branch, tag or commit. */
  readonly revision?: string;
  readonly config?: string;
}

const SPEC = /^((?:[\w][\w.-]*\/)?[\w][\w.-]*)(?:@([\w][\w./-]*))?(?::([^:@]+))?$/;

/** @throws ConfigError */
export function parseHubSpec(spec: string): HubSpec {
  const [, dataset, revision, config] = SPEC.exec(spec) ?? [];
  const sound = dataset !== undefined && !spec.includes('..') && !spec.includes('--');
  if (sound) return { dataset, revision, config };
  throw new ConfigError(`'${spec}' is no name of a dataset on the hub`, {
    where: spec,
    hint: 'write owner/name, and where needed a revision and a configuration: owner/name@revision:config',
  });
}
