import { withoutTrailingSlash } from '../../cells/chassis/base-url.ts'
import { cellScope } from '../../cells/wire/subjects.ts'
import { type CommsCell, type CommsCellSpec, type Realm, realmScope } from '../../crds/realm.ts'
import type { Site } from './site.ts'
import { cellRoomsUrl, roomsUrl } from './urls.ts'

/** The configuration of one process, as its environment: a literal, or where a Secret holds it. */
export type Settings = Readonly<Record<string, string | SecretRef>>

/** A key of a Secret in the realm's namespace; the operator never reads it, the kubelet mounts it. */
export interface SecretRef {
  secret: string
  key: string
}

/** What the players' WebSockets of a cell are told. */
export const connectorSettings = (cell: CommsCell): Settings => ({
  ...busSettings(cell.spec.nats, scopeOf(cell)),
  DRAIN_SECONDS: String(cell.spec.connectors.drainSeconds),
  ...(cell.spec.connectors.playersPerMinute !== undefined && {
    DRAIN_PLAYERS_PER_MINUTE: String(cell.spec.connectors.playersPerMinute),
  }),
  // Islands come with the next clustering, or the one after; told only where that takes longer than connectors think it does.
  ...(cell.spec.archipelago.flushPeriodMilliseconds > 10_000 && {
    ISLAND_TIMEOUT_MS: String(2 * cell.spec.archipelago.flushPeriodMilliseconds),
  }),
})

/** What the clustering of a cell is told. */
export function archipelagoSettings(cell: CommsCell): Settings {
  const { nats, livekit, archipelago } = cell.spec
  return {
    ...busSettings(nats, scopeOf(cell)),
    ...livekitSettings(livekit, cellRoomsUrl(cell)),
    ARCHIPELAGO_JOIN_DISTANCE: String(archipelago.joinDistance),
    ARCHIPELAGO_LEAVE_DISTANCE: String(archipelago.leaveDistance),
    ARCHIPELAGO_FLUSH_FREQUENCY: String(archipelago.flushPeriodMilliseconds / 1000),
    LIVEKIT_ISLAND_SIZE: String(archipelago.islandSize),
    // Cells of several realms may share one LiveKit; gatekeepers know an island's room by how its name starts.
    ROOM_PREFIX: `island-${scopeOf(cell)}-`,
  }
}

/** What the gatekeeper of a realm is told. Without a LiveKit its scene rooms are those of the realm's first cell. */
export function gatekeeperSettings(realm: Realm, site: Site): Settings {
  const { type, secret } = realm.spec.gatekeeper.database
  const rooms = roomsUrl(realm.metadata.name, 0, site.urls(realm).slot(0))
  return {
    ...busSettings(site.nats(realm, 'gatekeeper'), cellScope(realmScope(realm.metadata), 0)),
    ...livekitSettings(site.livekit(realm), rooms),
    ...(type === 'External' && secret
      ? { DATABASE_URL: { secret: secret.name, key: secret.key }, DATABASE_MIGRATIONS: 'Wait' }
      : { DATABASE_FOLDER: DATA_FOLDER }),
  }
}

/** Where an embedded database keeps its files, inside the container. */
export const DATA_FOLDER = '/data'

/** What the statistics of a realm are told: they hear all its cells. */
export function statsSettings(realm: Realm, site: Site): Settings {
  const [catalyst] = realm.spec.content.catalysts
  return {
    ...busSettings(site.nats(realm, 'stats'), `${realmScope(realm.metadata)}.*`),
    ...(catalyst && { CONTENT_URL: `${withoutTrailingSlash(catalyst)}/content` }),
  }
}

const scopeOf = ({ metadata: { namespace }, spec }: CommsCell): string =>
  cellScope(realmScope({ namespace, name: spec.realmRef.name }), spec.slot)

const busSettings = (nats: CommsCellSpec['nats'], scope: string): Settings => ({
  BUS_SCOPE: scope,
  ...(nats && { NATS_URL: nats.urls.join(',') }),
  ...(nats?.credentials && {
    NATS_USER: nats.credentials.user ?? { secret: nats.credentials.secretName, key: 'user' },
    NATS_PASSWORD: { secret: nats.credentials.secretName, key: nats.credentials.user ?? 'password' },
  }),
  ...(nats?.caSecretName && { NATS_CA: { secret: nats.caSecretName, key: 'ca.crt' } }),
})

const livekitSettings = (livekit: CommsCellSpec['livekit'], rooms: string): Settings =>
  livekit
    ? {
        LIVEKIT_HOST: livekit.url,
        LIVEKIT_API_KEY: { secret: livekit.credentials.secretName, key: 'apiKey' },
        LIVEKIT_API_SECRET: { secret: livekit.credentials.secretName, key: 'apiSecret' },
      }
    : { ROOMS_URL: rooms }
