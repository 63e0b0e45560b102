import { fetchJson } from '../../cells/chassis/fetch-json.ts'
import { keyText } from '../../crds/object.ts'
import { conditionOf, type Realm, realmNameOf } from '../../crds/realm.ts'
import type { RealmVitals } from '../render.ts'

/** What is known of the realms of this machine at any moment. */
export interface Vitals {
  now(): readonly RealmVitals[]
  stop(): void
}

const PERIOD_MS = 1_000
const LIMITS = { timeoutMs: 900, maxBytes: 16 * 1024 * 1024 }

/** Conditions from the realms themselves; players and islands from their statistics, asked once a second as anybody may. */
export function createVitals(cluster: { realms(): readonly Realm[] }, url: string): Vitals {
  const crowds = new Map<string, { players: number; islands: number }>()

  async function count(realm: Realm): Promise<void> {
    const answer = await fetchJson(`${url}/${realmNameOf(realm)}/stats/islands`, LIMITS)
    const islands = answer.ok ? (answer.body as { islands?: { peers: unknown[] }[] } | undefined)?.islands : undefined
    if (!islands) return
    const crowded = islands.filter(({ peers }) => peers.length > 0)
    const players = crowded.reduce((sum, { peers }) => sum + peers.length, 0)
    crowds.set(keyText(realm.metadata), { islands: crowded.length, players })
  }
  const timer = setInterval(() => {
    for (const realm of cluster.realms()) void count(realm)
  }, PERIOD_MS)

  return {
    now: () => cluster.realms().map((realm) => vitalsOf(realm, crowds.get(keyText(realm.metadata)))),
    stop: () => clearInterval(timer),
  }
}

function vitalsOf(realm: Realm, { players, islands } = { players: 0, islands: 0 }): RealmVitals {
  const ready = conditionOf(realm, 'Ready')
  const current = ready?.observedGeneration === realm.metadata.generation
  return {
    name: realmNameOf(realm),
    published: current && conditionOf(realm, 'Published')?.status === 'True',
    ready: current && ready?.status === 'True',
    reason: current ? (ready?.reason ?? 'starting') : 'starting',
    cells: { ready: realm.status?.readyReplicas ?? 0, wanted: realm.status?.autoscale?.cells ?? realm.spec.cells.replicas },
    players,
    islands,
  }
}
