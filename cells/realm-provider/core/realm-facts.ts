import type { ObjectKey } from '../../../crds/object.ts'
import { type Condition, type Realm, type RealmStatus, realmNameOf } from '../../../crds/realm.ts'
import type { PublishedRealm } from './published-realm.ts'

/** What the console shows of a realm, also of one that no player can reach. */
export interface RealmFacts {
  key: ObjectKey
  tenant: string
  realmName: string
  mode: 'City' | 'World'
  version: string
  isRemote: boolean
  /** RFC 3339; undefined while it is not being deleted. */
  deletingSince?: string
  /** Cells that it should have, has, that serve, and that are of its present spec. */
  cells: { wanted: number; existing: number; ready: number; updated: number }
  /** Connected players as its status says, such as 100+. */
  players?: string
  endpoints: readonly { slot: number; cell: string; state: string }[]
  capacity?: number
  conditions: readonly ShownCondition[]
  /** What it depends on, by the type in its spec. */
  parts: { nats: string; livekit: string; gatekeeper: string; database: string; movement: string; exposure: string }
  autoscale?: { cells: number; reason: string; message: string; changedAt: string }
  urls?: RealmStatus['urls']
  movement?: RealmStatus['movement']
  catalysts: readonly string[]
  services: readonly string[]
  sizes: PublishedRealm['content']['map']['sizes']
}

export type ShownCondition = Pick<Condition, 'type' | 'status' | 'reason' | 'message'> & {
  /** RFC 3339. */
  since: string
}

/** A message that was written by hand could be of any length. */
const MAX_MESSAGE = 600
const MAX_CONDITIONS = 24
const MAX_SIZES = 64

/** The facts of a Realm of this cluster. */
export function factsOf(realm: Realm): RealmFacts {
  const { metadata, spec, status = {} } = realm
  const { autoscale } = status
  return {
    key: { namespace: metadata.namespace, name: metadata.name },
    tenant: metadata.namespace,
    realmName: realmNameOf(realm),
    mode: spec.mode,
    version: spec.version,
    isRemote: false,
    ...(metadata.deletionTimestamp && { deletingSince: metadata.deletionTimestamp }),
    cells: {
      wanted: spec.cells.replicas,
      existing: status.replicas ?? 0,
      ready: status.readyReplicas ?? 0,
      updated: status.updatedReplicas ?? 0,
    },
    ...(status.players && { players: status.players }),
    endpoints: (status.endpoints ?? []).map(({ slot, cell, state }) => ({ slot, cell, state })),
    ...(spec.cells.capacity !== undefined && { capacity: spec.cells.capacity }),
    conditions: (status.conditions ?? []).slice(0, MAX_CONDITIONS).map(shownCondition),
    parts: {
      nats: spec.nats.type,
      livekit: spec.livekit.type,
      gatekeeper: spec.gatekeeper.replicas > 0 ? 'Managed' : 'None',
      database: spec.gatekeeper.database.type,
      movement: spec.movement.type,
      exposure: spec.exposure.type,
    },
    ...(autoscale && {
      autoscale: {
        cells: autoscale.cells,
        reason: autoscale.reason,
        message: autoscale.message.slice(0, MAX_MESSAGE),
        changedAt: autoscale.changedAt,
      },
    }),
    ...(status.urls && { urls: status.urls }),
    ...(status.movement && { movement: status.movement }),
    catalysts: spec.content.catalysts,
    services: (spec.content.services ?? []).map(({ name }) => name),
    sizes: spec.content.map.sizes.slice(0, MAX_SIZES),
  }
}

const shownCondition = ({ type, status, reason, message, lastTransitionTime }: Condition): ShownCondition => ({
  type,
  status,
  reason,
  message: message.slice(0, MAX_MESSAGE),
  since: lastTransitionTime,
})

/** The facts of a realm that another cluster publishes here: it says no more than where its players are sent. */
export function factsOfRemote(realm: PublishedRealm): RealmFacts {
  const { endpoints, assignment, content, statsUrl, world } = realm
  const serving = endpoints.filter(({ state }) => state === 'Serving').length
  return {
    key: realm.key,
    tenant: realm.tenant,
    realmName: realm.realmName,
    mode: world ? 'World' : 'City',
    version: realm.version,
    isRemote: true,
    cells: { wanted: endpoints.length, existing: endpoints.length, ready: serving, updated: endpoints.length },
    endpoints: endpoints.map(({ slot, cell, state }) => ({ slot, cell, state })),
    ...(assignment.capacity !== undefined && { capacity: assignment.capacity }),
    conditions: [],
    parts: { nats: '', livekit: '', gatekeeper: '', database: '', movement: '', exposure: '' },
    ...(statsUrl && { urls: { stats: statsUrl } }),
    catalysts: content.catalysts,
    services: (content.services ?? []).map(({ name }) => name),
    sizes: content.map.sizes.slice(0, MAX_SIZES),
  }
}
