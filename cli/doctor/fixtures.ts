import type { Realm } from '../../crds/realm.ts'
import { aRealm } from '../../operator/desired/realm.fixtures.ts'
import type { InstalledCrd, InstalledProgram, ProgramName } from '../cluster/installation.ts'
import type { ClusterFacts } from './cluster-facts.ts'
import type { SeenRealm } from './seen-realm.ts'

export const NOW = Date.parse('2026-06-01T12:00:00Z')

export const aProgram = (program: ProgramName = 'operator', changes: Partial<InstalledProgram> = {}): InstalledProgram => ({
  ...{ program, namespace: 'realm-operator', release: 'realm-operator', version: '0.1.0', labels: {}, env: {} },
  name: program === 'operator' ? 'realm-operator' : `realm-operator-${program}`,
  image: 'r.example/realm:0.1.0',
  replicas: { wanted: 2, ready: 2, updated: 2 },
  ...changes,
})

export const aCrd = (name: string, changes: Partial<InstalledCrd> = {}): InstalledCrd => ({
  ...{ name, version: '0.1.0', owner: 'realm-operator/realm-operator', missingFields: [], established: true },
  ...changes,
})

/** A realm as its operator reports it, with these conditions. */
export function aSeenRealm(
  changes: Parameters<typeof aRealm>[0] = {},
  conditions: Record<string, [string, string, string]> = {},
): Realm {
  const realm = aRealm(changes)
  const all: Record<string, [string, string, string]> = {
    Ready: ['True', 'AllServing', 'every cell and service works'],
    ...conditions,
  }
  return {
    ...realm,
    status: {
      observedGeneration: 1,
      conditions: Object.entries(all).map(([type, [status, reason, message]]) => ({
        ...{ type, status: status as 'True' | 'False', reason, message, lastTransitionTime: '2026-06-01T11:00:00Z' },
      })),
    },
  }
}

/** An installation without a fault. */
export const aCluster = (changes: Partial<ClusterFacts> = {}): ClusterFacts => ({
  apiServer: { server: 'https://192.0.2.1:6443', version: 'v1.34.4', tookMs: 12, aheadMs: 0 },
  crds: { value: [aCrd('realms.comms.decentraland.org'), aCrd('commscells.comms.decentraland.org')] },
  programs: { value: [aProgram(), aProgram('provider')] },
  pods: { value: [] },
  leases: new Map([['realm-operator/realm-operator', { value: { holder: 'realm-operator-abc', ageMs: 2_000 } }]]),
  providers: new Map([['realm-operator/realm-operator-provider', { value: 3 }]]),
  relays: new Map(),
  rights: { value: [{ what: 'list realms', why: 'get, status, doctor', has: true }] },
  nodes: { value: [{ metadata: { name: 'n1' }, status: { conditions: [{ type: 'Ready', status: 'True' }] } }] },
  ingressClasses: { value: [{ metadata: { name: 'traefik' } }] },
  storageClasses: {
    value: [
      { provisioner: 'p', metadata: { name: 's', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } } },
    ],
  },
  realms: { value: [aSeenRealm()] },
  ...changes,
})

/** A realm without a fault and without a public address, as a doctor sees it. */
export const seenRealm = (changes: Partial<SeenRealm> = {}): SeenRealm => ({
  realm: aSeenRealm(),
  pods: { value: [] },
  refusals: { value: [] },
  namespace: { value: { metadata: { name: 'metaverse' } } },
  ingressClasses: { value: [{ metadata: { name: 'traefik' } }] },
  ingress: { value: undefined },
  certificateSecret: { value: undefined },
  policies: { value: [] },
  quotas: { value: [] },
  ...changes,
})
