import type { KubeObject } from '../../cells/kube/kube-object.ts'

/** A Lease of coordination.k8s.io/v1, as far as an election needs it. */
export interface LeaderLease extends KubeObject {
  spec: {
    holderIdentity?: string
    leaseDurationSeconds?: number
    acquireTime?: string
    renewTime?: string
    leaseTransitions?: number
  }
}

/** A lease nobody has held. */
export const leaseOf = (key: { namespace: string; name: string }): LeaderLease => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: key,
  spec: {},
})

/** Whether nobody holds a lease, or it is not there. */
export const isFree = (lease: LeaderLease | undefined): boolean => !lease?.spec.holderIdentity

/** When the term of a lease's holder began, in milliseconds since the epoch; 0 = nobody ever held it. */
export const epochOf = ({ spec }: LeaderLease): number => (spec.acquireTime === undefined ? 0 : Date.parse(spec.acquireTime))

/** The lease as its holder writes it; a new holder counts as a transition, and its term begins later than any before, whatever the clocks say. */
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

/** The lease as whoever gives it up leaves it. */
export const released = ({ spec, ...lease }: LeaderLease): LeaderLease => ({
  ...lease,
  spec: { ...spec, holderIdentity: '', leaseDurationSeconds: 1 },
})

/** Six digits of a second: the API server takes no fewer. */
export const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z')
