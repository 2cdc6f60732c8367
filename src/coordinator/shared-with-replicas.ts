import type { ImageShape } from '../protocol/batch.js';
import type { ReadyReport } from '../protocol/messages.js';
import { BatchMemory } from './batch-memory.js';
import type { ReplicaGroup } from './replica-group.js';
import type { ReplicaHandle } from './replica-handle.js';
import { HookReports } from './replica-hooks.js';
import { ReplicaState } from './replica-state.js';
import { Sharder } from './shards.js';

/** What coordinator and replicas hold in common; it outlives the groups that the replicas make up. */
export class SharedWithReplicas {
  readonly sharder: Sharder;
  readonly predictions: BatchMemory;
  readonly inputs: BatchMemory;
  readonly state: ReplicaState;
  readonly hooks = new HookReports();

  constructor(group: ReplicaGroup, ready: ReadyReport, imageShape: ImageShape) {
    this.sharder = new Sharder(group);
    this.predictions = new BatchMemory(group, 'predictions', ready.outputShape);
    this.inputs = new BatchMemory(group, 'inputs', imageShape);
    this.state = new ReplicaState(ready);
  }

  /** Goes over to another group. @param fresh its replicas that know nothing of all this */
  async moveTo(group: ReplicaGroup, fresh: readonly ReplicaHandle[]): Promise<void> {
    this.sharder.moveTo(group);
    this.predictions.moveTo(group);
    this.inputs.moveTo(group);
    await this.hooks.putOn(group, fresh);
  }
}
