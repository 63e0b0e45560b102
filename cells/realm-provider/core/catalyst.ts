import { isObject, type JsonObject, readConfigurations, readService } from './about-fields.ts'

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
  /** Whether it answers slowly: others go first then. */
  isSlow?: boolean
  /** The last valid answer; it is kept while the catalyst is down. */
  about: CatalystAbout
}

/** How many players use a catalyst, as far as that is known. */
export interface CatalystLoad {
  /** As it says itself; undefined where it does not. */
  users: number | undefined
  /** Players who were sent to it since the answer before its last: they may not be among its users yet. */
  sent: number
}

/** How many users a catalyst says to have in its `/about`, with comms of its own or as a gateway; few say it. */
export function readUsersCount(body: unknown): number | undefined {
  const { comms, bff } = isObject(body) ? body : {}
  const counts = [isObject(comms) ? comms.usersCount : undefined, isObject(bff) ? bff.userCount : undefined]
  return counts.find((count): count is number => typeof count === 'number' && Number.isSafeInteger(count) && count >= 0)
}

/** Most values in an `/about`, of all depths: many small values take far more memory than their text. */
const MAX_VALUES = 2048

/**
 * Reads the body of a catalyst's `/about`; undefined when it is not valid or the catalyst does not accept users. Fields that some
 * explorer could not read are left out: each of them gives up the whole document for one.
 */
export function readCatalystAbout(body: unknown): CatalystAbout | undefined {
  if (!hasFewValues(body)) return undefined
  const document = withoutNulls(body)
  if (!isObject(document) || document.healthy !== true || document.acceptingUsers !== true) return undefined
  const [content, lambdas] = [serviceOf(document.content), serviceOf(document.lambdas)]
  if (content?.publicUrl === undefined || lambdas?.publicUrl === undefined) return undefined
  if (content.healthy === false || lambdas.healthy === false || !isSynchronized(content.synchronizationStatus)) return undefined
  const { configurations, bff } = document
  return {
    content,
    lambdas,
    configurations: isObject(configurations) ? readConfigurations(configurations) : {},
    bff: serviceOf(bff),
  }
}

/** Whether a content server has what the others have; one that says nothing of that counts as if it had. */
export const isSynchronized = (state: unknown): boolean => typeof state !== 'string' || !/bootstrap|fail/i.test(state)

const serviceOf = (value: unknown): JsonObject | undefined => (isObject(value) ? readService(value) : undefined)

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
