import type { Endpoint, RealmSpec } from '../../../crds/realm.ts'
import { withoutTrailingSlash } from '../../chassis/base-url.ts'
import type { Catalyst, CatalystLoad } from './catalyst.ts'
import { type Location, nearestTo } from './location.ts'
import { highestRanked } from './rendezvous.ts'

// Where a player is sent: to a cell of the realm for comms, and to a catalyst for the world.

/** How a realm distributes its players over its cells. */
export type Assignment = Pick<RealmSpec['cells'], 'assignment' | 'capacity'>

/** What is known when a player asks for a cell. */
export interface Visitor {
  /** Players by slot; undefined while they were never counted. */
  players?: ReadonlyMap<number, number> | undefined
  /** Tells visitors apart, such as an address: with `Sticky`, the same visitor is sent to the same cell. */
  visitor?: string
}

/** Whether every cell has as many players as it is meant for; never while the players of one of them are not known. */
export const isFull = (
  endpoints: readonly Endpoint[],
  { capacity }: Assignment,
  players: ReadonlyMap<number, number> | undefined,
): boolean => capacity !== undefined && endpoints.every(({ slot }) => (players?.get(slot) ?? 0) >= capacity)

/**
 * The cell for a new player. Cells with room go before full ones; when all are full, the emptiest takes one more. A cell whose
 * players are not known counts as having room.
 */
export function chooseEndpoint(
  endpoints: readonly Endpoint[],
  { assignment, capacity }: Assignment = { assignment: 'LeastLoaded' },
  { players, visitor = '' }: Visitor = {},
): Endpoint | undefined {
  const bySlot = [...endpoints].sort((a, b) => a.slot - b.slot)
  const withRoom = bySlot.filter(({ slot }) => capacity === undefined || (players?.get(slot) ?? 0) < capacity)
  if (withRoom.length === 0) return emptiest(bySlot, players)
  switch (assignment) {
    case 'LeastLoaded':
      return emptiest(withRoom, players)
    case 'Fill':
      return withRoom[0]
    case 'Sticky':
      return highestRanked(withRoom, visitor, ({ slot }) => slot)
  }
}

/** The emptiest when the players of every candidate are known, else the lowest slot. */
function emptiest(bySlot: readonly Endpoint[], players: ReadonlyMap<number, number> | undefined): Endpoint | undefined {
  const loads = bySlot.map(({ slot }) => players?.get(slot))
  if (loads.includes(undefined)) return bySlot[0]
  const lightest = Math.min(...loads.map((load) => load ?? 0))
  return bySlot[loads.indexOf(lightest)]
}

/** The preferences of a request for a catalyst. */
export interface CatalystPreference {
  /** `?catalyst=` of the request, unchecked. */
  override?: string | null
  /** Where the player is, if that is known. */
  location?: Location | undefined
  /** Tells visitors apart: of several catalysts that are equally near, the same visitor gets the same one. */
  visitor?: string
}

/** A catalyst, and whether it was chosen for this visitor alone among all at the same location. */
export interface ChosenCatalyst {
  catalyst: Catalyst | undefined
  isPersonal: boolean
}

/** What is known of catalysts beside their own answers. */
export interface CatalystFacts {
  locationOf: (catalyst: Catalyst) => Location | undefined
  loadOf: (catalyst: Catalyst) => CatalystLoad
}

/**
 * The catalyst for a player (comms.md §3.1): the one named in the URL, or else of the newest healthy ones the first, or one of
 * the nearest, without those that have more than their share of the players. Slow ones are taken where all are slow. When none is
 * healthy, the first that ever was.
 */
export function chooseCatalyst(
  known: readonly Catalyst[],
  { override, location, visitor = '' }: CatalystPreference,
  { locationOf, loadOf }: CatalystFacts,
): ChosenCatalyst {
  const named = override && known.find(({ url, healthy }) => healthy && url === withoutTrailingSlash(override))
  const candidates = candidatesAmong(known)
  if (candidates.length === 0 || named) return { catalyst: named || known[0], isPersonal: false }
  if (!location) return { catalyst: withoutCrowded(candidates, loadOf)[0], isPersonal: false }
  const near = nearestTo(location, candidates, locationOf)
  return { catalyst: highestRanked(withoutCrowded(near, loadOf), visitor, ({ url }) => url), isPersonal: near.length > 1 }
}

/** How many times the mean of its candidates a catalyst may have before players are sent to the others. */
const CROWDED = 1.25
/** Differences among fewer players are chance: the order of preference, and the same catalyst each time, are worth more. */
const FEW_PLAYERS = 20

/**
 * The catalysts without those that have more than their share of the players. Where one of them does not say how many it has, only the
 * players that were just sent to each are compared. At least one is left: that with the fewest.
 */
function withoutCrowded(candidates: readonly Catalyst[], loadOf: CatalystFacts['loadOf']): readonly Catalyst[] {
  if (candidates.length < 2) return candidates
  const loads = candidates.map(loadOf)
  const areCounted = loads.every(({ users }) => users !== undefined)
  const players = loads.map(({ users = 0, sent }) => sent + (areCounted ? users : 0))
  const mean = players.reduce((sum, count) => sum + count, 0) / players.length
  const limit = Math.max(FEW_PLAYERS, CROWDED * mean)
  return candidates.filter((_, n) => (players[n] ?? 0) < limit)
}

/** Of each list of catalysts that was asked for: most requests ask for the same one. */
const knownCandidates = new WeakMap<readonly Catalyst[], readonly Catalyst[]>()

/** The newest healthy ones, without slow ones where others are not. */
function candidatesAmong(known: readonly Catalyst[]): readonly Catalyst[] {
  const before = knownCandidates.get(known)
  if (before) return before
  const newest = newestOf(known.filter(({ healthy }) => healthy))
  const prompt = newest.filter(({ isSlow }) => !isSlow)
  const candidates = prompt.length > 0 ? prompt : newest
  knownCandidates.set(known, candidates)
  return candidates
}

/** The catalysts with both the highest content and the highest lambdas version; all catalysts when none has both. */
function newestOf(catalysts: readonly Catalyst[]): readonly Catalyst[] {
  const content = maxVersion(catalysts.map(({ about }) => versionOf(about.content)))
  const lambdas = maxVersion(catalysts.map(({ about }) => versionOf(about.lambdas)))
  const both = catalysts.filter(
    ({ about }) =>
      compareVersions(versionOf(about.content), content) >= 0 && compareVersions(versionOf(about.lambdas), lambdas) >= 0,
  )
  return both.length > 0 ? both : catalysts
}

// Numbers separated by dots; a missing version is 0.0.0 and a part that is not a number is 0.
const versionOf = ({ version }: Catalyst['about']['content']): readonly number[] =>
  (typeof version === 'string' ? version : '0').split('.').map((part) => (/^\d{1,9}$/.test(part) ? Number(part) : 0))

function compareVersions(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

const maxVersion = (versions: readonly (readonly number[])[]): readonly number[] =>
  versions.reduce((highest, version) => (compareVersions(version, highest) > 0 ? version : highest), [])
