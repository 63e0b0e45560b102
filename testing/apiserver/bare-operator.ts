import { systemClock } from '../../cells/chassis/clock.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import type { KubeClient } from '../../cells/kube/kube-client.ts'
import type { Platform } from '../../operator/desired/platform.ts'
import { platform as defaults, site } from '../../operator/desired/realm.fixtures.ts'
import type { EventNote } from '../../operator/events/event-reasons.ts'
import { Writer } from '../../operator/kubernetes/apply/writer.ts'
import { Cache } from '../../operator/kubernetes/cache/cache.ts'
import { KubernetesCluster } from '../../operator/kubernetes/kubernetes-cluster.ts'
import { type Leadership, soleLeadership } from '../../operator/leader/leadership.ts'
import { alwaysServing } from '../../operator/observers/fixtures.ts'
import type { CountPlayers } from '../../operator/observers/players/connector-players.ts'
import { startReconcilers } from '../../operator/reconcile/loop.ts'
import type { ReconcilerParts } from '../../operator/reconcile/parts.ts'
import type { ApiServer } from './apiserver.ts'

/** The methods of writes. */
export const writesOf = ({ counts }: KubeClient): number =>
  counts.apply + counts.applyStatus + counts.create + counts.replace + counts.merge + counts.remove

/** Observers of what is outside the API server; none unless given. */
type Outside = Partial<Pick<ReconcilerParts, 'syntheticJoins' | 'joinSuccess' | 'playerCounts' | 'site'>> & {
  countPlayers?: CountPlayers
  /** The installation of the operator. */
  platform?: Platform
  /** Acts as the operator's account; by default it has every right. */
  client?: KubeClient
}

/** The operator of a test: real caches, writer and reconcilers on a real API server. */
export async function startOperator(
  api: ApiServer,
  namespace: string,
  leadership: Leadership = soleLeadership,
  { countPlayers = async () => new Map(), platform = defaults, client = api.client(), ...outside }: Outside = {},
) {
  const cache = new Cache({ client, log: silentLog, namespaces: [namespace] })
  const notes: EventNote[] = []
  const recorder = { record: (_: unknown, note: EventNote) => void notes.push(note) }
  const writer = new Writer({ client, cache, leadership, log: silentLog, clock: systemClock, recorder })
  const cluster = new KubernetesCluster({ cache, writer, platform, countPlayers })
  cache.start()
  await cache.synced
  const parts = { cluster, site, publication: alwaysServing, ...outside }
  const reconcilers = startReconcilers({ ...parts, clock: systemClock, log: silentLog })
  return {
    client,
    cluster,
    cache,
    /** The Events it would have sent, in order. */
    notes,
    /** Resolves once the operator has done nothing for a while. */
    settled: async () => {
      for (let quietMs = 0, seen = writesOf(client); quietMs < QUIET_MS; quietMs += STEP_MS) {
        await new Promise((resolve) => setTimeout(resolve, STEP_MS))
        if (seen === writesOf(client) && reconcilers.idle) continue
        seen = writesOf(client)
        quietMs = 0
      }
    },
    stop: async () => {
      await reconcilers.stop()
      await cache.stop()
    },
  }
}
const QUIET_MS = 400
const STEP_MS = 20
