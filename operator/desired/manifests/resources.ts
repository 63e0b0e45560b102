import type { V1ResourceRequirements } from '@kubernetes/client-node'
import type { RealmSpec } from '../../../crds/realm.ts'
import type { Component } from '../../observed/workload.ts'

/** `resources` of a container as users write them: quantities are texts or numbers. */
export type Resources = RealmSpec['nats']['resources']

/**
 * What a container requests where its realm sets no `resources`: what its process takes without any player, so that nodes are not filled
 * with pods they have no memory for, and pods with players are not the first to be evicted. `npm run bench -- memory` measures it. No limits: a
 * realm with many players needs more.
 */
const IDLE: Readonly<Record<Component | 'compact', { cpu: string; memory: string }>> = {
  // And 14 kB for each player.
  connector: { cpu: '50m', memory: '72Mi' },
  compact: { cpu: '50m', memory: '88Mi' },
  archipelago: { cpu: '50m', memory: '64Mi' },
  gatekeeper: { cpu: '20m', memory: '88Mi' },
  stats: { cpu: '10m', memory: '56Mi' },
  migration: { cpu: '10m', memory: '64Mi' },
  nats: { cpu: '20m', memory: '64Mi' },
  livekit: { cpu: '20m', memory: '128Mi' },
  // And 23 kB for each player, 48 kB where TLS ends at it: `npm run bench -- proxy`.
  proxy: { cpu: '20m', memory: '48Mi' },
}
/** A gatekeeper with a PostgreSQL in its process. */
const EMBEDDED_DATABASE_MEMORY = '192Mi'

/** `resources` of a container: those given, else the requests of its component. */
export function resourcesOf(
  component: Component | 'compact',
  given: Resources,
  { embeddedDatabase = false } = {},
): { resources: V1ResourceRequirements } {
  const memory = embeddedDatabase ? { memory: EMBEDDED_DATABASE_MEMORY } : {}
  const { requests, limits } = given ?? { requests: { ...IDLE[component], ...memory } }
  return {
    resources: { ...(requests && { requests: quantitiesOf(requests) }), ...(limits && { limits: quantitiesOf(limits) }) },
  }
}

// The client library's type takes quantities only as texts.
const quantitiesOf = (given: Record<string, number | string>): Record<string, string> =>
  Object.fromEntries(Object.entries(given).map(([name, quantity]) => [name, String(quantity)]))
