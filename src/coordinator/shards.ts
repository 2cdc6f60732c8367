import type { Batch, SlotRing } from '../protocol/batch.js';
import type { Shard, Share } from '../protocol/messages.js';

/**
 * How a global batch is divided: `size` samples over `replicas`, consecutive and as even as possible, the
 * first ones taking the remainder. A replica may get none; it still joins the all-reduce.
 */
export function shardBounds(size: number, replicas: number): { offset: number; count: number }[] {
  const quotient = Math.floor(size / replicas);
  const remainder = size % replicas;
  return Array.from({ length: replicas }, (_, rank) => ({
    offset: rank * quotient + Math.min(rank, remainder),
    count: quotient + (rank < remainder ? 1 : 0),
  }));
}

/** The replicas, as far as dividing batches among them goes. */
interface Replicas {
  readonly size: number;
  share(share: Share): void;
}

/** Divides batches, and shares a loader's slots with the replicas when they are first seen. */
export class Sharder {
  #replicas: Replicas;
  #rings = new WeakMap<SlotRing, number>();
  /** Numbers of the rings that the replicas hold. */
  readonly #held = new Set<number>();
  /** Replicas hold a loader's slots only as long as somebody here does. */
  readonly #gone = new FinalizationRegistry<number>(ring => this.#drop(ring));
  #count = 0;

  constructor(replicas: Replicas) {
    this.#replicas = replicas;
  }

  /** Goes over to other replicas, with whom slots are shared anew. */
  moveTo(replicas: Replicas): void {
    if (replicas === this.#replicas) return;
    this.#replicas = replicas;
    for (const ring of this.#held) this.#drop(ring);
    this.#rings = new WeakMap();
  }

  #drop(ring: number): void {
    if (this.#held.delete(ring)) this.#replicas.share({ share: 'no slots', ring });
  }

  /** One shard per replica, in rank order. */
  divide({ ring, slot, size, epoch, index, transforms, mix }: Batch): Shard[] {
    const place = { ring: this.#numberOf(ring), slot, size, epoch, index, transforms, ...(mix && { mix }) };
    return shardBounds(size, this.#replicas.size).map(bounds => ({ ...place, ...bounds }));
  }

  #numberOf(ring: SlotRing): number {
    let number = this.#rings.get(ring);
    if (number === undefined) {
      number = this.#count++;
      this.#rings.set(ring, number);
      this.#held.add(number);
      this.#gone.register(ring, number);
      this.#replicas.share({ share: 'slots', ring: number, layout: ring.layout, buffers: ring.buffers });
    }
    return number;
  }
}
