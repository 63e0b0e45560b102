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

/** Most values in an `/about`, of all depths: many small values take far more memory than their text. */
const MAX_VALUES = 2048

/** Reads the body of a catalyst's `/about`; undefined when it is not valid or the catalyst does not accept users. */
export function readCatalystAbout(body: unknown): CatalystAbout | undefined {
  if (!hasFewValues(body)) return undefined
  const { healthy, acceptingUsers, content, lambdas, configurations, bff } = objectOf(withoutNulls(body)) ?? {}
  const [contentObject, lambdasObject] = [objectOf(content), objectOf(lambdas)]
  if (healthy !== true || acceptingUsers !== true) return undefined
  if (typeof contentObject?.publicUrl !== 'string' || typeof lambdasObject?.publicUrl !== 'string') return undefined
  return { content: contentObject, lambdas: lambdasObject, configurations: objectOf(configurations) ?? {}, bff: objectOf(bff) }
}

/** Without fields that are null: the Godot explorer takes them for texts and ends. */
const withoutNulls = (body: unknown): unknown =>
  JSON.parse(JSON.stringify(body), (_, value: unknown) => (value === null ? undefined : value))

function hasFewValues(body: unknown): boolean {
  const waiting = [body]
  for (let count = 0; waiting.length > 0; count++) {
    if (count >= MAX_VALUES) return false
    const value = waiting.pop()
    if (typeof value !== 'object' || value === null) continue
    const children = Object.values(value)
    if (children.length > MAX_VALUES) return false
    waiting.push(...children)
  }
  return true
}

const objectOf = (value: unknown): JsonObject | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
