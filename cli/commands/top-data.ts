import { z } from 'zod'

// What the console of a realm provider answers at /console/snapshot, as far as it is shown here.

const rate = z.number().nullable()
const cell = z.object({
  slot: z.number(),
  healthy: z.boolean(),
  players: z.number(),
  islands: z.number().nullable(),
  ...{ joins: rate, leaves: rate, heartbeats: rate },
})
const live = z.object({
  served: z.boolean(),
  healthy: z.boolean(),
  absence: z.string().nullable(),
  players: z.number().nullable(),
  islands: z.number().nullable(),
  ...{ answers: rate, refusals: rate },
  cells: z.array(cell),
})
const facts = z.object({
  key: z.object({ namespace: z.string(), name: z.string() }),
  realmName: z.string(),
  mode: z.enum(['City', 'World']),
  deletingSince: z.string().optional(),
  endpoints: z.array(z.object({ slot: z.number(), state: z.string() })),
})
const summary = z.object({
  version: z.string(),
  players: z.number(),
  realms: z.number(),
  healthy: z.number(),
  ...{ answers: rate, refusals: rate },
  latency: z.object({ of: z.string(), ms: z.number() }).optional(),
})
const snapshot = z.object({ at: z.number(), set: z.record(z.string(), z.unknown()) })

/** What only the API server knows: absent where it was not asked, null where it does not know. */
export interface TopUse {
  connectors: { ready: number; wanted: number } | null
  /** Players by the number that the cells are meant for; 1 is full. */
  saturation: number | null
  /** Of all pods together, as the metrics API (metrics.k8s.io) measured it. */
  cpuCores: number | null
  memoryBytes: number | null
  /** Of the players who got an island since their connector started: 99 of 100 waited no longer for it. */
  joinP99Seconds: number | null
  /** Of the players who waited for an island in the last ten minutes, the share that got one in time. */
  joinSuccess: number | null
}

/** One cell. Rates are per second over the last seconds, and null where they are not known, as every other number. */
export interface TopCell extends Partial<TopUse> {
  slot: number
  state: string
  players: number
  islands: number | null
  joins: number | null
  leaves: number | null
  heartbeats: number | null
}

/** One realm; its rates are those of its cells together. */
export interface TopRealm extends Omit<TopCell, 'slot' | 'players'> {
  namespace: string
  name: string
  realmName: string
  mode: 'City' | 'World'
  players: number | null
  /** Players who were sent to a cell, and who were not. */
  answers: number | null
  refusals: number | null
  cells: TopCell[]
}

/** All that is shown. */
export interface TopData {
  /** RFC 3339. */
  at: string
  players: number
  realmCount: number
  healthyCount: number
  answers: number | null
  refusals: number | null
  /** The slowest of the servers that the realm provider asks. */
  slowest?: { url: string; milliseconds: number }
  realms: TopRealm[]
  /** Why something is not known, and what would make it known; absent where nothing is missing. */
  notes?: string[]
}

/** Reads a snapshot; undefined where it is none. */
export function readTopData(body: unknown): TopData | undefined {
  const parsed = snapshot.safeParse(body)
  const whole = parsed.success ? summary.safeParse(parsed.data.set.summary) : undefined
  if (!parsed.success || !whole?.success) return undefined
  const { at, set } = parsed.data
  const { players, realms, healthy, answers, refusals, latency } = whole.data
  return {
    at: new Date(at).toISOString(),
    ...{ players, realmCount: realms, healthyCount: healthy, answers, refusals },
    ...(latency && { slowest: { url: latency.of, milliseconds: latency.ms } }),
    realms: Object.keys(set).flatMap((section) => {
      const [, key] = /^realm\/(.+)$/.exec(section) ?? []
      return key === undefined ? [] : realmOf(set[section], set[`live/${key}`])
    }),
  }
}

function realmOf(givenFacts: unknown, givenLive: unknown): TopRealm[] {
  const [known, now] = [facts.safeParse(givenFacts), live.safeParse(givenLive)]
  if (!known.success || !now.success) return []
  const { key, realmName, mode, endpoints } = known.data
  const states = new Map(endpoints.map(({ slot, state }) => [slot, state]))
  const cells = now.data.cells.map(({ healthy, ...counted }) => ({
    ...counted,
    state: (states.get(counted.slot) ?? (healthy ? 'Serving' : 'Unhealthy')).toLowerCase(),
  }))
  const sum = (name: 'joins' | 'leaves' | 'heartbeats') => sumOf(cells.map((each) => each[name]))
  const { players, islands, answers, refusals } = now.data
  return [
    {
      ...{ ...key, realmName, mode, state: stateOf(known.data, now.data), players, islands, answers, refusals },
      ...{ joins: sum('joins'), leaves: sum('leaves'), heartbeats: sum('heartbeats') },
      cells: cells.sort((a, b) => a.slot - b.slot),
    },
  ]
}

/** Null where none is known. */
function sumOf(numbers: readonly (number | null)[]): number | null {
  const known = numbers.filter((number) => number !== null)
  return known.length === 0 ? null : known.reduce((sum, number) => sum + number, 0)
}

function stateOf({ deletingSince }: z.infer<typeof facts>, { served, healthy, absence }: z.infer<typeof live>): string {
  if (deletingSince !== undefined) return 'deleted'
  if (!served) return 'not served'
  return absence?.toLowerCase() ?? (healthy ? 'healthy' : 'unhealthy')
}
