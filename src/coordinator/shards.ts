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
