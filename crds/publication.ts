import type { ObjectKey } from './object.ts'
import type { Realm, RealmSpec, RealmStatus } from './types.gen.ts'

/**
 * What is leased at a realm provider elsewhere: the body of `PUT {provider}/publications/{realmName}`. Who holds the name renews it with
 * the ETag of the last answer before `ttlSeconds` are over; a name nobody renews is free again.
 */
export interface PublicationDocument {
  /** Who publishes: the uid of the Realm, which no other object anywhere has. */
  publisher: string
  /** The Realm, for people. */
  realm: ObjectKey
  ttlSeconds: number
  /** Version of its cells. */
  version: string
  /** Those that serve players, or did and are unwell. */
  endpoints: NonNullable<RealmStatus['endpoints']>
  content: RealmSpec['content']
  /** Base URL of its statistics. */
  statsUrl?: string
}

/** What the provider answers to one: until when it stands, RFC 3339. */
export interface PublicationReceipt {
  publisher: string
  expiresAt: string
}

/**
 * Header of what changes a publication: when whoever speaks began to lead, in milliseconds since the epoch. A provider that heard a later
 * one about a name refuses the earlier with 412 and `epoch` in its answer: of two operators who believe to lead the last one has the last word.
 */
export const EPOCH_HEADER = 'publication-epoch'

/** Lease time at a provider of `spec.publication.providers` that names none. No default of the CRD: one inside a list item makes GitOps tools report a difference for ever. */
export const DEFAULT_TTL_SECONDS = 60

/** Where the name of a realm is leased, below the base URL of a provider. */
export const publicationPath = (realmName: string): string => `/publications/${encodeURIComponent(realmName)}`

/**
 * What a realm has to publish; nothing while it is hibernated, going, or none of its cells ever worked. A realm all of whose cells are
 * unwell for a moment stays published: explorers keep their realm then and come back by themselves.
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
    content: spec.content,
    ...(status?.urls?.stats && { statsUrl: status.urls.stats }),
  }
}
