type JsonObject = Readonly<Record<string, unknown>>

/** The parts of a catalyst's `/about` that the realm provider passes on to players (comms.md §3.1). */
export interface CatalystAbout {
  content: JsonObject
  lambdas: JsonObject
  configurations: JsonObject
  bff: JsonObject | undefined
}

/** A catalyst that has given a valid answer at least once. */
export interface Catalyst {
  /** Base URL, without a slash at the end. */
  url: string
  /** Whether its last answers said that it is healthy and accepts users. */
  healthy: boolean
  /** The last valid answer; it is kept while the catalyst is down. */
  about: CatalystAbout
}

/** Reads the body of a catalyst's `/about`; undefined when it is not valid or the catalyst does not accept users. */
export function readCatalystAbout(body: unknown): CatalystAbout | undefined {
  const { healthy, acceptingUsers, content, lambdas, configurations, bff } = objectOf(body) ?? {}
  const [contentObject, lambdasObject] = [objectOf(content), objectOf(lambdas)]
  if (healthy !== true || acceptingUsers !== true) return undefined
  if (typeof contentObject?.publicUrl !== 'string' || typeof lambdasObject?.publicUrl !== 'string') return undefined
  return { content: contentObject, lambdas: lambdasObject, configurations: objectOf(configurations) ?? {}, bff: objectOf(bff) }
}

const objectOf = (value: unknown): JsonObject | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
