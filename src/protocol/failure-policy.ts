/**
 * What becomes of a run when one of its replicas fails: it ends; the replica is started again with the state of
 * another one; or the others go on without it.
 */
export const failurePolicies = ['fail', 'restart', 'shrink'] as const;
export type FailurePolicy = (typeof failurePolicies)[number];
