import { keyText } from '../../../crds/object.ts'
import type { Clock } from '../../chassis/clock.ts'
import { type Running, stopAll } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { MapPoller, type MapTiming } from '../adapters/map-poller.ts'
import { hasEndpoints, type PublishedRealm } from '../core/published-realm.ts'
import { ConsoleAccess, type ConsoleMode } from './access.ts'
import { ConsoleFeed } from './feed.ts'
import { Lookup } from './lookup.ts'
import { RequestTally } from './request-tally.ts'
import type { ConsoleParts } from './routes.ts'
import type { ConsoleSources } from './sources.ts'

export interface ConsoleOptions {
  mode: ConsoleMode | undefined
  token: string | undefined
  statsUrlOf: (realm: PublishedRealm) => string | undefined
  onlyRemote: boolean
  clock: Clock
  log: Log
  /** Intervals at which maps are read, where they differ from the defaults. */
  mapTiming?: MapTiming | undefined
  /** All but what the console itself reads and counts. Nothing is asked of them before this has returned. */
  sources: Omit<ConsoleSources, 'maps' | 'tally' | 'clock'>
}

/** The console, and how it learns which realms there are. */
export interface RunningConsole extends Running {
  parts: ConsoleParts
  /** To be told of the realms that are served, whenever they change. */
  follow(realms: readonly PublishedRealm[]): void
}

/** Starts the console; where it is off, nothing is read for it. @throws UserError when a token is required and there is none */
export function startConsole({ mode = 'Public', token, sources, ...options }: ConsoleOptions): RunningConsole {
  const access = new ConsoleAccess(mode, token)
  const { log, clock } = options
  const tally = new RequestTally()
  const maps = new MapPoller({ ...options, timing: options.mapTiming, isWatched: () => feed.viewers > 0 })
  const feed = new ConsoleFeed({ ...sources, maps, tally, clock }, log)
  const lookup = new Lookup({ ...options, maps: () => maps.all() })
  if (mode === 'None') void feed.stop()
  return {
    parts: { access, feed, lookup, tally },
    follow(realms) {
      const served = new Set(realms.map(({ key }) => keyText(key)))
      tally.retain((key) => served.has(key))
      if (mode !== 'None') maps.follow(realms.filter(hasEndpoints))
    },
    stop: stopAll(log, feed, maps).stop,
  }
}
