import { keyText } from '../../../crds/object.ts'
import type { ShownProblem } from '../core/problems.ts'
import type { PublishedRealm } from '../core/published-realm.ts'
import type { RealmChange } from '../core/realm-changes.ts'
import { realmOfEvent } from '../core/realm-events.ts'
import type { RealmFacts } from '../core/realm-facts.ts'
import { withTwoDigits } from '../core/series.ts'
import type { ConsoleSources } from './sources.ts'

/** Realms in the tables; those with most players come first. The totals are of all. */
const MAX_REALMS = 1_000
const MAX_LEASES = 500

/** What else the sections tell of. */
export interface SectionContext {
  problems: { problems: readonly ShownProblem[]; more: number }
  changes: readonly RealmChange[]
  /** Rates over the last five seconds, by series. */
  points: ReadonlyMap<string, number>
  viewers: number
}

/** Most facts are those of the second before. */
const factsText = new WeakMap<RealmFacts, string>()

/** The parts of the page by name, each as JSON; viewers are sent those that changed. */
export function sectionsOf(sources: ConsoleSources, context: SectionContext): Map<string, string> {
  const served = new Map(sources.realms().map((realm) => [keyText(realm.key), realm]))
  const counted = sources.facts().map((facts) => {
    const key = keyText(facts.key)
    const realm = served.get(key)
    return { key, facts, realm, players: realm && sources.stats.playerCount(realm)?.total }
  })
  const shown = counted.sort((a, b) => (b.players ?? 0) - (a.players ?? 0) || Number(a.key > b.key) - 0.5).slice(0, MAX_REALMS)
  const sections = new Map<string, string>([
    ['summary', JSON.stringify(summaryOf(sources, context, counted))],
    ['problems', JSON.stringify(context.problems)],
    ['changes', JSON.stringify(context.changes)],
    ['catalysts', JSON.stringify(catalystsOf(sources))],
    ['services', JSON.stringify(sources.services.statuses().sort((a, b) => Number(a.url > b.url) - 0.5))],
    ['events', JSON.stringify(eventsOf(sources))],
    ['leases', JSON.stringify(leasesOf(sources))],
  ])
  for (const { key, facts, realm, players } of shown) {
    sections.set(`realm/${key}`, textOf(facts))
    sections.set(`live/${key}`, JSON.stringify(liveOf(sources, context, { key, realm, players })))
  }
  return sections
}

function eventsOf({ events, facts }: ConsoleSources) {
  const known = events()
  if (known.length === 0) return []
  const realmOfCell = new Map(
    facts().flatMap(({ key, endpoints }) =>
      endpoints.map(({ cell }) => [keyText({ ...key, name: cell }), keyText(key)] as const),
    ),
  )
  return known.map((event) => ({ ...event, realm: realmOfEvent(event, realmOfCell) }))
}

function textOf(facts: RealmFacts): string {
  const known = factsText.get(facts) ?? JSON.stringify(facts)
  factsText.set(facts, known)
  return known
}

interface CountedRealm {
  key: string
  facts: RealmFacts
  realm: PublishedRealm | undefined
  players: number | undefined
}

function summaryOf(sources: ConsoleSources, { points, viewers }: SectionContext, counted: readonly CountedRealm[]) {
  return {
    version: sources.version,
    players: counted.reduce((sum, { players }) => sum + (players ?? 0), 0),
    realms: counted.length,
    healthy: counted.filter(({ realm }) => realm?.healthy).length,
    // Of these a person asked that no player can enter.
    hibernated: counted.filter(({ facts }) => facts.cells.wanted === 0 && facts.mode === 'City').length,
    hidden: Math.max(0, counted.length - MAX_REALMS),
    refusals: withTwoDigits(points.get('refusals') ?? Number.NaN),
    answers: withTwoDigits(points.get('answers') ?? Number.NaN),
    latency: worstLatency(sources),
    viewers,
  }
}

/** The slowest of what the realm provider asks, by its moving mean. */
export function worstLatency({ catalysts, maps }: Pick<ConsoleSources, 'catalysts' | 'maps'>) {
  const all = [
    ...catalysts.statuses().flatMap(({ url, latencyMs }) => (latencyMs === undefined ? [] : [{ of: url, ms: latencyMs }])),
    ...maps
      .all()
      .flatMap(({ realm, latest, latencyMs }) => (latest ? [{ of: `statistics of ${realm.realmName}`, ms: latencyMs }] : [])),
  ]
  const worst = all.reduce<{ of: string; ms: number } | undefined>(
    (most, each) => (most && most.ms >= each.ms ? most : each),
    undefined,
  )
  return worst && { of: worst.of, ms: Math.round(worst.ms) }
}

const catalystsOf = ({ catalysts, realms }: ConsoleSources) => {
  const users = new Map<string, number>()
  for (const { content } of realms()) for (const url of content.catalysts) users.set(url, (users.get(url) ?? 0) + 1)
  return catalysts
    .statuses()
    .map(({ latencyMs, ...status }) => ({
      ...status,
      latencyMs: latencyMs === undefined ? null : Math.round(latencyMs),
      realms: users.get(status.url) ?? 0,
    }))
    .sort((a, b) => Number(a.healthy) - Number(b.healthy) || Number(a.url > b.url) - 0.5)
}

const leasesOf = ({ leases }: ConsoleSources) => {
  const all = leases()
  return { leases: [...all].sort((a, b) => a.expiresAt - b.expiresAt).slice(0, MAX_LEASES), total: all.length }
}

function liveOf(sources: ConsoleSources, { points }: SectionContext, { key, realm, players }: Omit<CountedRealm, 'facts'>) {
  const polled = sources.maps.get(key)
  const rate = (name: string) => withTwoDigits(points.get(`r/${key}/${name}`) ?? Number.NaN)
  const bySlot = realm && sources.stats.playerCount(realm)?.bySlot
  const numbers = ({
    heartbeats,
    joins,
    leaves,
  }: {
    heartbeats?: number | undefined
    joins?: number | undefined
    leaves?: number | undefined
  }) => ({
    heartbeats: withTwoDigits(heartbeats ?? Number.NaN),
    joins: withTwoDigits(joins ?? Number.NaN),
    leaves: withTwoDigits(leaves ?? Number.NaN),
  })
  return {
    served: realm !== undefined,
    healthy: realm?.healthy ?? false,
    absence: realm?.absence ?? null,
    players: players ?? null,
    peers: polled?.latest?.map.peers ?? null,
    islands: polled?.latest?.map.islandCount ?? null,
    hasMap: polled?.latest !== undefined,
    failingSince: polled?.failingSince ?? null,
    answers: rate('answers'),
    refusals: rate('refusals'),
    cells: polled?.latest
      ? polled.rates.map((cell) => ({ ...cell, ...numbers(cell) }))
      : [...(bySlot ?? [])].map(([slot, count]) => ({ slot, healthy: true, players: count, islands: null, ...numbers({}) })),
    overview: polled?.overview ?? null,
  }
}
