import type { Clock } from '../chassis/clock.ts'
import { stopAll } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import type { Storage } from './adapters/storage.ts'
import type { BanList } from './ban-list.ts'
import type { GatekeeperConfig } from './config.ts'
import { roomPrefixesOf } from './core/room-names.ts'
import { Decisions } from './decisions.ts'
import { KickList } from './kick-list.ts'
import { ModerationChanges } from './moderation-changes.ts'
import { expireModeration } from './moderation-retention.ts'
import { PlatformRecords } from './platform/platform-records.ts'
import { SceneAdministration } from './scenes/scene-administration.ts'
import { SceneBanList } from './scenes/scene-ban-list.ts'
import { SceneGate } from './scenes/scene-gate.ts'
import { sceneMetadata } from './scenes/scene-metadata.ts'
import { SceneRecords } from './scenes/scene-records.ts'
import { SceneRights } from './scenes/scene-rights.ts'
import { StreamRecords } from './streams/stream-records.ts'
import { JsonService } from './upstream/json-service.ts'
import { Land } from './upstream/land.ts'
import { Leases } from './upstream/leases.ts'
import { Places, type ScenePlace } from './upstream/places.ts'
import { Worlds } from './upstream/worlds.ts'

/** What moderation stands on. */
export interface ModerationOptions {
  storage: Storage
  bans: BanList
  clock: Clock
  log: Log
  /** Called for every attempt to read scene bans that failed. */
  onFailure: () => void
  /** Called when other scene bans were read than before. */
  onChange?: (placeIds: ReadonlySet<string>) => void
}

/** What the operator takes the URLs of other services from. */
const FIELDS = {
  CONTENT_URL: 'content.catalysts',
  LAMBDAS_URL: 'content.catalysts',
  PLACES_API_URL: 'gatekeeper.places',
  WORLD_CONTENT_URL: 'gatekeeper.worlds',
  LEASES_URL: 'gatekeeper.leases',
  SOCIAL_SERVICE_URL: 'gatekeeper.social',
} as const

/** Where the configuration names none. */
const RETENTION_DAYS = 365

/** Everything that decides about players: bans and warnings of the platform, bans and administrators of scenes. */
export async function startModeration(
  config: GatekeeperConfig,
  { storage, bans, clock, log, onFailure, onChange }: ModerationOptions,
) {
  const service = (name: string, variable: keyof typeof FIELDS) => {
    const declaredBy = `spec.${FIELDS[variable]} of its Realm, or ${variable},`
    return new JsonService({ name, url: config[variable], declaredBy, clock, log })
  }
  const land = new Land(service('the lambdas of the catalyst', 'LAMBDAS_URL'))
  const worlds = new Worlds(service('the worlds content server', 'WORLD_CONTENT_URL'))
  const leases = new Leases(service('the list of leases', 'LEASES_URL'))
  const content = service('the content server', 'CONTENT_URL')
  const places = new Places({ places: service('the places service', 'PLACES_API_URL'), content, worlds })

  const { database } = storage
  const changes = new ModerationChanges(log)
  const decisions = new Decisions(database, { clock, log })
  const scenes = new SceneRecords(database, decisions)
  const kicks = new KickList(database, { clock, log })
  const sceneBans = new SceneBanList(scenes, { clock, log, onFailure, onChange })
  await sceneBans.attempted
  const retention = expireModeration(database, { days: config.MODERATION_RETENTION_DAYS ?? RETENTION_DAYS, clock, log })
  const rights = new SceneRights({ land, worlds, leases, records: scenes })
  const prefixes = roomPrefixesOf(config)
  return {
    ...{ bans, changes, decisions, kicks, land, places, scenes, sceneBans, worlds },
    platform: new PlatformRecords(database, decisions),
    streams: new StreamRecords(database, decisions),
    rights,
    administration: new SceneAdministration({ places, rights, prefixes }),
    prefixes,
    readPlace: (place: ScenePlace) => sceneMetadata({ scenes, rights }, place),
    hasBans: () => !sceneBans.isEmpty,
    sceneGate: new SceneGate(sceneBans, places),
    social: service('the social service', 'SOCIAL_SERVICE_URL'),
    stop: stopAll(log, retention, sceneBans, kicks).stop,
  }
}
export type Moderation = Awaited<ReturnType<typeof startModeration>>
