import type { KubeObject } from '../../cells/kube/kube-object.ts'

/** A Lease of coordination.k8s.io/v1, with the fields an election uses. */
export interface LeaderLease extends KubeObject {
  spec: {
    holderIdentity?: string
    leaseDurationSeconds?: number
    acquireTime?: string
    renewTime?: string
    leaseTransitions?: number
  }
}

/** A lease that was never held. */
export const leaseOf = (key: { namespace: string; name: string }): LeaderLease => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: key,
  spec: {},
})

/** Whether a lease is not held, or does not exist. */
export const isFree = (lease: LeaderLease | undefined): boolean => !lease?.spec.holderIdentity

/** When the term of a lease's holder began, in milliseconds since the epoch; 0 = it was never held, or does not say when. */
export const epochOf = ({ spec }: LeaderLease): number => Date.parse(spec.acquireTime ?? '') || 0

/**
 * The lease as its holder writes it. A new holder counts as a transition, and its term begins later than any before, even when
 * its clock is behind.
 */
export function renewed(before: LeaderLease, identity: string, durationMs: number, now: number): LeaderLease {
  const { spec, ...lease } = before
  const isNew = spec.holderIdentity !== identity
  return {
    ...lease,
    spec: {
      ...spec,
      holderIdentity: identity,
      leaseDurationSeconds: durationMs / 1000,
      renewTime: microTime(now),
      ...(isNew && {
        acquireTime: microTime(Math.max(now, epochOf(before) + 1)),
        leaseTransitions: (spec.leaseTransitions ?? -1) + 1,
      }),
    },
  }
}

/** The lease as its holder writes it when it stops leading. */
export const released = ({ spec, ...lease }: LeaderLease): LeaderLease => ({
  ...lease,
  spec: { ...spec, holderIdentity: '', leaseDurationSeconds: 1 },
})

/** A Kubernetes MicroTime: the API server requires six digits of a second. */
export const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z')
