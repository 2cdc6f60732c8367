/** How replicas become a group: one ring, and the same state on all of them. */
import { RecipeError } from '../errors.js';
import type { ReadyReport } from '../protocol/messages.js';
import type { ReplicaGroup } from './replica-group.js';
import { copyState, sharedFloats, sizesOf } from './replica-state.js';

export interface Joining {
  /** Rank of a replica that has the run's state; −1 where none has: replica 0's weights are then everybody's. */
  readonly holder: number;
  /** Ranks of those that have just been started. */
  readonly fresh: readonly number[];
}

/** Shares a new ring, takes back what is left of an unfinished batch, and gives the fresh ones the state. */
export async function joinGroup(
  group: ReplicaGroup,
  model: ReadyReport,
  { holder, fresh }: Joining,
): Promise<void> {
  const { parameters, buffers } = sizesOf(model);
  const ring = group.replicas.map(() => sharedFloats(parameters + buffers));
  group.replicas.forEach((replica, rank) => {
    replica.share({ share: 'ring', rank, control: group.control.buffer, buffers: ring });
  });
  if (holder < 0) {
    await group.requestOne(0, { op: 'publish' });
    await group.request<'adopt'>(() => ({ op: 'adopt', from: 0 }));
    return;
  }
  await group.request<'rollback'>(() => ({ op: 'rollback' }));
  if (fresh.length > 0) await copyState(group, model, holder, fresh);
}

/** @throws RecipeError when the replicas did not all build the same model */
export function requireSameModel(ready: readonly ReadyReport[]): void {
  const shapes = ready.map(report =>
    JSON.stringify([report.parameters, report.buffers].map(infos => infos.map(({ shape }) => shape))),
  );
  const odd = shapes.findIndex(text => text !== shapes[0]);
  if (odd < 0) return;
  throw new RecipeError(`model() built another model on replica ${odd} than on replica 0`, {
    replica: odd,
    hint: 'the model may depend only on the context it is given',
  });
}
