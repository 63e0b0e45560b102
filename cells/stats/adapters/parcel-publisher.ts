import type { Bus } from '../../bus/bus.ts'
import type { Clock } from '../../chassis/clock.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { repeat } from '../../chassis/repeat.ts'
import { subjects } from '../../wire/subjects.ts'
import { ParcelFeed } from '../core/parcel-feed.ts'
import type { Snapshot } from '../core/snapshot.ts'

export interface ParcelPublisherOptions {
  bus: Bus
  /** The scope of a realm, or of all cells of one. */
  scope: string
  /** Unique to this process. */
  serverName: string
  realmName: string
  snapshot: Snapshot
  clock: Clock
  log: Log
}

const CHANGES_MS = 2_000
/** Consumers that missed a message go on with what they know until the next snapshot. */
const SNAPSHOT_MS = 60_000

/** Publishes who is on which parcel: at once, whenever the bus is back, and each minute everyone, between them what has changed. */
export function publishParcels({ bus, scope, serverName, realmName, snapshot, clock, log }: ParcelPublisherOptions): Running {
  const subject = subjects(scope.replace(/\.?\*$/, '')).parcelChanges
  const feed = new ParcelFeed(serverName, realmName)
  let snapshotAt = Number.NEGATIVE_INFINITY
  const stopWatching = bus.onState(() => {
    snapshotAt = Number.NEGATIVE_INFINITY
  })
  const publishing = repeat({
    clock,
    log,
    delayMs: () => CHANGES_MS,
    task: async () => {
      // Messages are dropped meanwhile: nothing counts as told.
      if (bus.state !== 'connected') return
      const isDue = clock.monotonic() >= snapshotAt
      if (isDue) snapshotAt = clock.monotonic() + SNAPSHOT_MS
      const messages = isDue ? feed.snapshot(snapshot.peers(), clock.now()) : feed.changes(snapshot.peers(), clock.now())
      for (const message of messages) bus.publish(subject, message)
    },
  })
  return {
    stop: () => {
      stopWatching()
      return publishing.stop()
    },
  }
}
