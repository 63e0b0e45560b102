import { withoutTrailingSlash } from '../../chassis/base-url.ts'

type Json = Readonly<Record<string, unknown>>

/** What a catalyst says of itself, as far as players are told (comms.md §3.1). */
export interface CatalystAbout {
  content: Json
  lambdas: Json
  configurations: Json
  bff: Json | undefined
}

/** A catalyst and what is known of it. */
export interface Catalyst {
  /** Base URL, without a slash at the end. */
  url: string
  /** Whether it answered healthy and accepting users when last asked. */
  healthy: boolean
  /** The last answer of that kind; it outlives the catalyst. */
  about: CatalystAbout
}

/** A catalyst that takes users; nothing when it does not, or when this is no description of one. */
export function readCatalystAbout(body: unknown): CatalystAbout | undefined {
  const { healthy, acceptingUsers, content, lambdas, configurations, bff } = objectOf(body) ?? {}
  const [contents, profiles] = [objectOf(content), objectOf(lambdas)]
  if (healthy !== true || acceptingUsers !== true) return undefined
  if (typeof contents?.publicUrl !== 'string' || typeof profiles?.publicUrl !== 'string') return undefined
  return { content: contents, lambdas: profiles, configurations: objectOf(configurations) ?? {}, bff: objectOf(bff) }
}

const objectOf = (value: unknown): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined

/** What a player's request says about which catalyst it should be. */
export interface CatalystPreference {
  /** `?catalyst=`, as given. */
  override?: string | null
  /** ISO 3166 alpha-2 of where the player is, as told by the edge. */
  country?: string | undefined
}

/** Picks among the nodes nearest to a country; every candidate stays when nothing is known. */
export type Nearest = (candidates: readonly Catalyst[], country: string) => readonly Catalyst[]

/**
 * The catalyst for a player (comms.md §3.1): the one asked for by URL, or else of the newest healthy ones the first, or one of the
 * nearest. When none is healthy, the first of those that once were.
 *
 * @param random in [0, 1)
 */
export function chooseCatalyst(
  known: readonly Catalyst[],
  { override, country }: CatalystPreference,
  nearest: Nearest,
  random: () => number,
): Catalyst | undefined {
  const healthy = known.filter((catalyst) => catalyst.healthy)
  if (healthy.length === 0) return known[0]
  const asked = override && healthy.find(({ url }) => url === withoutTrailingSlash(override))
  if (asked) return asked
  const newest = newestOf(healthy)
  if (!country) return newest[0]
  const near = nearest(newest, country)
  return near[Math.floor(random() * near.length)] ?? newest[0]
}

/** Those at the highest content and the highest lambdas version; everybody when no node has both. */
function newestOf(catalysts: readonly Catalyst[]): readonly Catalyst[] {
  const content = maxVersion(catalysts.map(({ about }) => versionOf(about.content)))
  const lambdas = maxVersion(catalysts.map(({ about }) => versionOf(about.lambdas)))
  const both = catalysts.filter(
    ({ about }) =>
      compareVersions(versionOf(about.content), content) >= 0 && compareVersions(versionOf(about.lambdas), lambdas) >= 0,
  )
  return both.length > 0 ? both : catalysts
}

// Dotted numbers; absent is 0.0.0 and a part that is no number is 0.
const versionOf = ({ version }: Json): readonly number[] =>
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
