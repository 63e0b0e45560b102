import { readFile, stat, writeFile } from 'node:fs/promises'
import { withoutTrailingSlash } from '../../cells/chassis/base-url.ts'
import { messageOf, UserError } from '../../cells/chassis/errors.ts'
import type { FetchResult } from '../../cells/chassis/fetch-json.ts'
import { islandMap } from '../island-map/island-map.ts'
import { readMapData } from '../island-map/map-data.ts'
import { countOf } from '../island-map/style.ts'

export interface IslandsOptions {
  /** A file, or `-` for standard output; `islands.svg` or `islands.json` when nothing is given. */
  output?: string
  /** Write what was read instead of a map of it. */
  json?: boolean
}

/** Side effects of `islands`. */
export interface IslandsPorts {
  ask(url: string): Promise<FetchResult>
  say(sentence: string): void
  /** Writes to standard output. */
  print(text: string): Promise<void>
  now(): Date
}

/** The answers of a realm's statistics as they are; what `--json` writes. */
interface IslandsRecord {
  realm: string
  takenAt: string
  islands: readonly unknown[]
  peers: readonly unknown[]
}

/** Bytes of a record; those of 200,000 peers are some 50 MB. */
const MAX_RECORD_BYTES = 64 * 1024 * 1024

/** Most realms that are listed when the source is not one. */
const MAX_HINTS = 5

/** Limits of each request to a realm. */
export const REALM_LIMITS = { timeoutMs: 10_000, maxBytes: MAX_RECORD_BYTES }

/** For all of them together: a server that accepts and stays silent is asked at several places. */
const ALL_REQUESTS_MS = 15_000

/** Gives each request what is left of the time for all of them; `now` is in milliseconds since an arbitrary start. */
export function withinTime(
  ask: (url: string, timeoutMs: number) => Promise<FetchResult>,
  now: () => number,
): (url: string) => Promise<FetchResult> {
  const endsAt = now() + ALL_REQUESTS_MS
  return (url) => ask(url, Math.ceil(Math.max(1, Math.min(REALM_LIMITS.timeoutMs, endsAt - now()))))
}

/**
 * Draws the islands of a live realm, or of a record of one.
 * @throws UserError 2 when the source is not what it should be, 4 when the realm does not answer, 5 when the result cannot be written
 */
export async function islands(source: string, { output, json = false }: IslandsOptions, ports: IslandsPorts): Promise<void> {
  const record = /^https?:\/\//i.test(source) ? await askRealm(source, ports) : await readRecord(source)
  const data = readMapData(record)
  if (!data) throw new UserError(`${source} is not a record of islands; realmctl islands <realm-url> --json writes one.`, 2)
  const text = json ? `${JSON.stringify(record)}\n` : islandMap(data)
  const target = output ?? (json ? 'islands.json' : 'islands.svg')
  if (target === '-') return ports.print(text)
  await writeFile(target, text).catch((error: unknown) => {
    throw new UserError(`${target} cannot be written: ${messageOf(error)}`, 5, { cause: error })
  })
  const counts = `${countOf(data.peers, 'peer')} on ${countOf(data.islands.length, 'island')}`
  ports.say(`Wrote ${counts} to ${target}.`)
}

/** Takes the URL of a realm, of its `/about`, of its statistics or of one of their answers. */
async function askRealm(source: string, { ask, now }: IslandsPorts): Promise<IslandsRecord> {
  if (!URL.canParse(source)) throw new UserError(`${source} is not a URL.`, 2)
  const { origin, pathname } = new URL(source)
  const base =
    origin +
    withoutTrailingSlash(pathname)
      .replace(/\/(about|islands|peers)$/, '')
      .replace(/\/stats$/, '')

  const about = await ask(`${base}/about`)
  const fromAbout = about.ok && about.status === 200 ? readAbout(about.body) : {}
  const places = [`${base}/stats`, ...(fromAbout.statsUrl ? [fromAbout.statsUrl] : []), base]
  const reasons: string[] = []
  for (const place of new Set(places)) {
    const answer = await ask(`${place}/islands`)
    const listed = listIn(answer, 'islands')
    if (!listed) {
      reasons.push(`  ${place}/islands: ${reasonOf(answer)}`)
      continue
    }
    // Peers who are on no island yet; a map without them is still a map.
    const peers = listIn(await ask(`${place}/peers`), 'peers') ?? []
    const takenAt = `${now().toISOString().slice(0, 16).replace('T', ' ')} UTC`
    return { realm: fromAbout.realmName ?? new URL(base).host, takenAt, islands: listed, peers }
  }
  const realms = readRealms(await ask(`${base}/realms`))
  const hint = realms.length > 0 ? `\nIts realms are:\n${realms.map((url) => `  ${url}`).join('\n')}` : ''
  throw new UserError(`${source} does not list islands:\n${reasons.join('\n')}${hint}`, 4)
}

/** The first realms that a realm provider lists, when the source is the provider's own URL. */
function readRealms(answer: FetchResult): string[] {
  const listed: readonly unknown[] = answer.ok && Array.isArray(answer.body) ? answer.body : []
  const urls = listed.flatMap((realm) => {
    const { url } = fieldsOf(realm)
    return typeof url === 'string' && URL.canParse(url) ? [new URL(url).href] : []
  })
  return urls.slice(0, MAX_HINTS)
}

/** The realm's name, and where its statistics are: beside its cells, when its adapter is one of ours. */
function readAbout(about: unknown): { realmName?: string; statsUrl?: string } {
  const { configurations, comms } = fieldsOf(about)
  const { realmName } = fieldsOf(configurations)
  const { adapter } = fieldsOf(comms)
  const socket = typeof adapter === 'string' ? /\bws(s?:\/\/[^\s?#]+)\/cells\/\d+\/ws\b/.exec(adapter) : null
  return {
    ...(typeof realmName === 'string' && realmName && { realmName }),
    ...(socket && { statsUrl: `http${socket[1]}/stats` }),
  }
}

function listIn(answer: FetchResult, field: string): readonly unknown[] | undefined {
  if (!answer.ok || answer.status !== 200) return undefined
  const list = fieldsOf(answer.body)[field]
  return Array.isArray(list) ? list : undefined
}

function reasonOf(answer: FetchResult): string {
  if (!answer.ok) return answer.reason || 'no answer'
  return answer.status === 200 ? 'the answer has no list of islands' : `status ${answer.status}`
}

async function readRecord(file: string): Promise<unknown> {
  const text = await readBounded(file).catch((error: unknown) => {
    throw new UserError(`${file} cannot be read: ${messageOf(error)}`, 2, { cause: error })
  })
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UserError(`${file} is not JSON: ${messageOf(error)}`, 2, { cause: error })
  }
}

async function readBounded(file: string): Promise<string> {
  const { size } = await stat(file)
  if (size > MAX_RECORD_BYTES)
    throw new Error(`it has ${countOf(size, 'byte')}, a record at most ${countOf(MAX_RECORD_BYTES, 'byte')}`)
  return readFile(file, 'utf8')
}

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
