import type { Clock } from '../../chassis/clock.ts'
import type { CatalystPoller } from '../adapters/catalyst-poller.ts'
import type { MapPoller } from '../adapters/map-poller.ts'
import type { ServicePoller } from '../adapters/service-poller.ts'
import type { RealmStats } from '../adapters/stats-poller.ts'
import type { PublishedRealm } from '../core/published-realm.ts'
import type { RealmEvent } from '../core/realm-events.ts'
import type { RealmFacts } from '../core/realm-facts.ts'
import type { RequestTally } from './request-tally.ts'

/** A name that a publisher holds, as the console shows it. */
export interface ShownLease {
  realmName: string
  account: string
  /** In milliseconds since the epoch. */
  since: number
  expiresAt: number
}

/** Where the console takes its data from: all of it is in memory. */
export interface ConsoleSources {
  facts: () => readonly RealmFacts[]
  /** The realms that are served, also those of other clusters that share a name. */
  realms: () => readonly PublishedRealm[]
  /** Kubernetes Events of the operator, the latest first. */
  events: () => readonly RealmEvent[]
  leases: () => readonly ShownLease[]
  catalysts: Pick<CatalystPoller, 'statuses'>
  services: Pick<ServicePoller, 'statuses'>
  stats: Pick<RealmStats, 'playerCount'>
  maps: Pick<MapPoller, 'get' | 'all' | 'onMap'>
  tally: RequestTally
  version: string
  clock: Clock
}
