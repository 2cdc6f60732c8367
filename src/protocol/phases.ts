/** What a replica is doing, written to shared memory so that a stall can be named. */
export const phases = [
  'start',
  'idle',
  'data',
  'forward',
  'loss',
  'backward',
  'all-reduce',
  'update',
  'checksum',
  'checkpoint',
  'close',
] as const;
export type Phase = (typeof phases)[number];
