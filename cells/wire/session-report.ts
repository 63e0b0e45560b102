import { isFinitePosition, type PeerId, type Position, parsePeerId } from './peer.ts'

/**
 * What a connector reports to the movement relay about the sessions it holds: the relay shows a wallet in a realm only while it has
 * one there, and answers where those wallets are whose clients send no heartbeats.
 */
export interface SessionReport {
  /** Unique to this start of the connector. */
  connector: string
  /** Wallets that were welcomed since the last report: none of them was banned at that moment. */
  joined: readonly PeerId[]
  /** Wallets whose session goes on. Reported again well before `SESSION_LEASE_MS` are over. */
  held: readonly PeerId[]
  /** The same, of wallets whose position is asked for. */
  silent: readonly PeerId[]
  /** Wallets whose session has ended. */
  left: readonly PeerId[]
  /** Wallets that the gatekeeper of the realm has banned. */
  banned: readonly PeerId[]
}

/** The answer of the relay. */
export interface SessionReportAnswer {
  /** Unique to this start of the relay: one that is new knows nothing of what was reported before. */
  relay: string
  /** Where those of the silent wallets are that the relay knows in this realm. */
  positions: ReadonlyMap<PeerId, Position>
  /**
   * Some wallets that are shown in this realm, and of which no connector has reported a session: a connector that looks up whether they are
   * banned can report that.
   */
  unreported?: readonly PeerId[]
}

/** Where a connector sends its reports. */
export interface SessionReports {
  /** @throws whatever keeps the report from the relay */
  report(report: SessionReport): SessionReportAnswer | Promise<SessionReportAnswer>
}

/** Wallets of one report at most, over all its lists. */
export const MAX_REPORTED_WALLETS = 1_000
/** Wallets without a session in one answer at most. */
export const MAX_UNREPORTED_WALLETS = 100
/** So long a reported session counts without being reported again. */
export const SESSION_LEASE_MS = 60_000

const LISTS = ['joined', 'held', 'silent', 'left', 'banned'] as const
const CONNECTOR = /^[\w-]{1,64}$/

/** The report in a JSON document; undefined when it is none, or too long. */
export function parseSessionReport(body: unknown): SessionReport | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const { connector, ...lists } = body as Record<string, unknown>
  if (typeof connector !== 'string' || !CONNECTOR.test(connector)) return undefined
  const report = { connector, joined: [], held: [], silent: [], left: [], banned: [] } as {
    [List in (typeof LISTS)[number]]: PeerId[]
  } & {
    connector: string
  }
  let free = MAX_REPORTED_WALLETS
  for (const name of LISTS) {
    const list = Object.hasOwn(lists, name) ? lists[name] : []
    if (!Array.isArray(list) || list.length > free) return undefined
    free -= list.length
    for (const item of list) {
      const wallet = parsePeerId(item)
      if (!wallet) return undefined
      report[name].push(wallet)
    }
  }
  return report
}

/** The answer as a JSON document. */
export const encodeReportAnswer = ({ relay, positions, unreported = [] }: SessionReportAnswer): object => ({
  relay,
  ...(unreported.length > 0 && { unreported }),
  positions: Object.fromEntries([...positions].map(([wallet, { x, y, z }]) => [wallet, [x, y, z]])),
})

/** The answer in a JSON document, as far as it is about wallets that were asked for; undefined when it is none. */
export function parseReportAnswer(body: unknown, asked: readonly PeerId[]): SessionReportAnswer | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  const { relay, positions, unreported } = body as Record<string, unknown>
  if (typeof relay !== 'string' || typeof positions !== 'object' || positions === null) return undefined
  const known = new Map<PeerId, Position>()
  for (const wallet of asked) {
    const position = Object.hasOwn(positions, wallet) ? positionOf((positions as Record<string, unknown>)[wallet]) : undefined
    if (position) known.set(wallet, position)
  }
  return { relay, positions: known, unreported: walletsIn(unreported) }
}

function walletsIn(value: unknown): PeerId[] {
  if (!Array.isArray(value)) return []
  return value.slice(0, MAX_UNREPORTED_WALLETS).flatMap((item) => parsePeerId(item) ?? [])
}

function positionOf(value: unknown): Position | undefined {
  if (!Array.isArray(value) || value.length !== 3 || !value.every((part) => typeof part === 'number')) return undefined
  const [x = 0, y = 0, z = 0] = value as number[]
  return isFinitePosition({ x, y, z }) ? { x, y, z } : undefined
}
