import { fetchJson } from '../../cells/chassis/fetch-json.ts'
import { playersOfWorlds } from '../../cells/wire/live-data.ts'
import { keyText } from '../../crds/object.ts'
import { conditionOf, type Realm, realmNameOf } from '../../crds/realm.ts'
import { isWorldRealm } from '../../crds/world.ts'
import type { RealmState } from '../render.ts'

/** The current state of the realms on this machine. */
export interface RealmStates {
  now(): readonly RealmState[]
  stop(): void
}

const PERIOD_MS = 1_000
const LIMITS = { timeoutMs: 900, maxBytes: 16 * 1024 * 1024 }

/** Conditions from the Realm objects; players and islands from their statistics, requested once a second over HTTP. */
export function createRealmStates(cluster: { realms(): readonly Realm[] }, statsUrlOf: (realm: Realm) => string): RealmStates {
  const counts = new Map<string, { players: number; islands: number }>()

  async function count(realm: Realm): Promise<void> {
    if (isWorldRealm(realm)) return countWorld(realm)
    const answer = await fetchJson(`${statsUrlOf(realm)}/islands`, LIMITS)
    const islands = answer.ok ? (answer.body as { islands?: { peers: unknown[] }[] } | undefined)?.islands : undefined
    if (!islands) return
    const occupied = islands.filter(({ peers }) => peers.length > 0)
    const players = occupied.reduce((sum, { peers }) => sum + peers.length, 0)
    counts.set(keyText(realm.metadata), { islands: occupied.length, players })
  }
  async function countWorld(realm: Realm): Promise<void> {
    const answer = await fetchJson(`${statsUrlOf(realm)}/live-data`, LIMITS)
    const players = answer.ok ? playersOfWorlds(answer.body) : undefined
    if (players) counts.set(keyText(realm.metadata), { islands: 0, players: players.get(realm.metadata.name) ?? 0 })
  }

  const timer = setInterval(() => {
    for (const realm of cluster.realms()) void count(realm)
  }, PERIOD_MS)

  return {
    now: () => cluster.realms().map((realm) => stateOf(realm, counts.get(keyText(realm.metadata)))),
    stop: () => clearInterval(timer),
  }
}

function stateOf(realm: Realm, { players, islands } = { players: 0, islands: 0 }): RealmState {
  const ready = conditionOf(realm, 'Ready')
  const current = ready?.observedGeneration === realm.metadata.generation
  return {
    isWorld: isWorldRealm(realm),
    name: realmNameOf(realm),
    published: current && conditionOf(realm, 'Published')?.status === 'True',
    ready: current && ready?.status === 'True',
    reason: current ? (ready?.reason ?? 'starting') : 'starting',
    cells: { ready: realm.status?.readyReplicas ?? 0, desired: realm.status?.autoscale?.cells ?? realm.spec.cells.replicas },
    players,
    islands,
  }
}
