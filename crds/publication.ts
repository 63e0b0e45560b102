import type { ObjectKey } from './object.ts'
import type { Realm, RealmSpec, RealmStatus } from './types.gen.ts'

/**
 * A publication at a realm provider of another cluster: the body of `PUT {provider}/publications/{realmName}`. The publisher renews its lease
 * of the name with the ETag of the last answer before `ttlSeconds` are over; a name that is not renewed is free again.
 */
export interface PublicationDocument {
  /** The publisher: the uid of the Realm, which no other object of any cluster has. */
  publisher: string
  /** Namespace and name of the Realm, for messages. */
  realm: ObjectKey
  ttlSeconds: number
  /** Version of its cells. */
  version: string
  /** Endpoints that serve players, or did so before and are unhealthy now. */
  endpoints: NonNullable<RealmStatus['endpoints']>
  /** How players are distributed over its cells; LeastLoaded where it is absent. */
  assignment?: Pick<RealmSpec['cells'], 'assignment' | 'capacity'>
  content: RealmSpec['content']
  /** Base URL of its statistics. */
  statsUrl?: string
  /** Whether realms of other clusters may be served under the same name; the publications of all of them must say so. */
  shared?: boolean
  /** Where its cluster is: players get the nearest of those that share a name. */
  location?: NonNullable<RealmSpec['publication']['location']>
  /** What it is, where it is a World: its name at its gatekeeper, its scenes, where players arrive. */
  world?: { name: string; scenes: string[]; spawn?: string; gatekeeperUrl?: string }
}

/** How players are distributed over the cells of a realm, and how many there may be; a World has one place, with its capacity. */
export const assignmentOf = ({
  cells,
  world,
}: Pick<RealmSpec, 'cells' | 'world'>): Pick<RealmSpec['cells'], 'assignment' | 'capacity'> => {
  const capacity = world ? world.capacity : cells.capacity
  return { assignment: cells.assignment, ...(capacity !== undefined && { capacity }) }
}

/** What keeps a provider from using all catalysts of a realm. */
export interface CatalystProblems {
  /** How many it does not use, because it has its limit of them. Absent = none. */
  unusedCatalysts?: number
  /** Whether it cannot read `spec.content.catalystList`. */
  isListUnreadable?: true
}

/** The provider's answer: until when the lease is valid, RFC 3339. */
export interface PublicationReceipt extends CatalystProblems {
  publisher: string
  expiresAt: string
}

/** Headers of a provider's `/about` that say the same. */
export const UNUSED_CATALYSTS_HEADER = 'unused-catalysts'
export const LIST_UNREADABLE_HEADER = 'catalyst-list-unreadable'

/** What a receipt, or the headers of `/about`, say of catalysts; whatever else they contain is left out. */
export function readCatalystProblems({ unusedCatalysts, isListUnreadable }: Record<string, unknown>): CatalystProblems {
  const isCount = typeof unusedCatalysts === 'number' && Number.isSafeInteger(unusedCatalysts) && unusedCatalysts > 0
  return { ...(isCount && { unusedCatalysts }), ...(isListUnreadable === true && { isListUnreadable }) }
}

/**
 * Header of requests that change a publication: when the operator that sends them began to lead, in milliseconds since the epoch. A provider
 * that has received a later epoch for a name refuses an earlier one with 412 and `epoch` in its answer: when two operators believe that they
 * lead, the one that was elected last prevails.
 */
export const EPOCH_HEADER = 'publication-epoch'

/**
 * Lease time at a provider of `spec.publication.providers` that sets none. It is no default of the CRD: a default inside a list item makes
 * GitOps tools report a difference for ever.
 */
export const DEFAULT_TTL_SECONDS = 60

/** The path of a realm's publication, below the base URL of a provider. */
export const publicationPath = (realmName: string): string => `/publications/${encodeURIComponent(realmName)}`

/**
 * The publication of a realm; undefined while it is hibernated, being deleted, or none of its cells ever served. A realm whose cells are all
 * unhealthy for a while stays published: explorers then keep their realm and reconnect by themselves.
 */
export function publicationOf({ metadata, spec, status }: Realm, ttlSeconds: number): PublicationDocument | undefined {
  if (metadata.deletionTimestamp || spec.cells.replicas === 0) return undefined
  const endpoints = (status?.endpoints ?? []).filter(({ state }) => state === 'Serving' || state === 'Unhealthy')
  if (endpoints.length === 0) return undefined
  return {
    publisher: metadata.uid ?? '',
    realm: { namespace: metadata.namespace, name: metadata.name },
    ttlSeconds,
    version: spec.version,
    endpoints,
    assignment: assignmentOf(spec),
    ...(spec.world && {
      world: {
        name: metadata.name,
        scenes: spec.world.scenes,
        ...(spec.world.spawn && { spawn: spec.world.spawn }),
        ...(status?.urls?.gatekeeper && { gatekeeperUrl: status.urls.gatekeeper }),
      },
    }),
    content: spec.content,
    ...(status?.urls?.stats && { statsUrl: status.urls.stats }),
    ...(spec.publication.shared && { shared: true }),
    ...(spec.publication.location && { location: spec.publication.location }),
  }
}
