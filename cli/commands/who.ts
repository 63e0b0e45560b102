import { withoutTrailingSlash } from '../../cells/chassis/base-url.ts'
import type { FetchResult } from '../../cells/chassis/fetch-json.ts'
import { tableOf } from '../output/table.ts'
import { addressOf, callGatekeeper, type ModeratorOptions, type ModeratorPorts, type OutputFormat } from './gatekeeper-call.ts'

export interface WhoOptions extends ModeratorOptions {
  output?: OutputFormat
  /** Base URL of the statistics; beside the gatekeeper by default. */
  stats?: string
}

export interface WhoPorts extends ModeratorPorts {
  ask(url: string): Promise<FetchResult>
}

/** What a gatekeeper says of a player: its route `GET /users/:address/presence`. */
interface Presence {
  lastSeenAt: string | null
  rooms: { room: string; kind: string; joinedAt: string }[] | null
  ban: { bannedAt: string; expiresAt: string | null; bannedBy: string; reason: string } | null
  warnings: number
  sceneBans: string[]
}

/** Where the statistics of a realm see a player; null where they do not. */
interface Whereabouts {
  parcel: [number, number] | null
  lastHeartbeatAt: string | null
  island: string | null
}

/**
 * Prints where a player is, by the statistics and the rooms of a realm, and what was decided about the player.
 *
 * @throws UserError 1 when the gatekeeper refuses, 2 when an argument is invalid, 4 when it does not answer
 */
export async function who(wallet: string, options: WhoOptions, ports: WhoPorts): Promise<void> {
  const address = addressOf(wallet).toLowerCase()
  const [{ data: presence }, seen] = await Promise.all([
    callGatekeeper('GET', `/users/${address}/presence`, options, ports) as Promise<{ data: Presence }>,
    whereaboutsOf(address, options.stats ?? statsBeside(options.gatekeeper), ports),
  ])
  if (options.output === 'json') return ports.print(`${JSON.stringify({ ...presence, statistics: seen ?? null }, null, 2)}\n`)
  const { ban, rooms, warnings, sceneBans, lastSeenAt } = presence
  const lines: [string, string][] = [
    ['wallet', address],
    ['connected', connectionText(seen)],
    ['parcel', seen?.parcel?.join(',') ?? '-'],
    ['island', seen?.island ?? '-'],
    ...roomLines(rooms),
    ['last seen', lastSeenAt ?? 'not within the time that connections are kept'],
    ['ban', ban ? `by ${ban.bannedBy}, from ${ban.bannedAt} ${endOf(ban)}: ${ban.reason}` : 'none'],
    ['warnings', String(warnings)],
    ['scene bans', sceneBans.length === 0 ? 'none' : sceneBans.join(', ')],
  ]
  await ports.print(tableOf(lines))
}

const endOf = ({ expiresAt }: { expiresAt: string | null }): string => (expiresAt ? `until ${expiresAt}` : 'without an end')

function connectionText(seen: Whereabouts | undefined): string {
  if (!seen) return 'unknown: the statistics do not answer (--stats gives their URL)'
  return seen.lastHeartbeatAt === null ? 'no' : `yes, last position at ${seen.lastHeartbeatAt}`
}

function roomLines(rooms: Presence['rooms']): [string, string][] {
  if (rooms === null) return [['rooms', 'unknown: they are not those of a LiveKit, or it does not answer']]
  if (rooms.length === 0) return [['rooms', 'none']]
  return rooms.map(({ room, kind, joinedAt }, n) => [n === 0 ? 'rooms' : '', `${room} (${kind}) since ${joinedAt}`])
}

/** Statistics are at the same address as the gatekeeper, for realms behind one host and on this machine. */
const statsBeside = (gatekeeper: string): string =>
  gatekeeper.replace(/\/gatekeeper$/, '/stats').replace('-gatekeeper.', '-stats.')

/** Undefined while the statistics do not answer. */
async function whereaboutsOf(address: string, statsUrl: string, { ask }: WhoPorts): Promise<Whereabouts | undefined> {
  const base = withoutTrailingSlash(statsUrl)
  const [peer, islands] = await Promise.all([ask(`${base}/peers/${address}`), ask(`${base}/islands`)])
  if (!peer.ok || (peer.status !== 200 && peer.status !== 404)) return undefined
  const { parcel, lastPing } = ((peer.body as { peer?: unknown } | null)?.peer ?? {}) as { parcel?: unknown; lastPing?: unknown }
  return {
    parcel: Array.isArray(parcel) ? [Number(parcel[0]), Number(parcel[1])] : null,
    lastHeartbeatAt: typeof lastPing === 'number' ? new Date(lastPing).toISOString() : null,
    island: islands.ok ? islandOf(address, islands.body) : null,
  }
}

function islandOf(address: string, body: unknown): string | null {
  const { islands } = (body ?? {}) as { islands?: unknown }
  const all = (Array.isArray(islands) ? islands : []) as { id?: unknown; peers?: { address?: unknown }[] }[]
  const found = all.find(({ peers }) => Array.isArray(peers) && peers.some((peer) => peer?.address === address))
  return typeof found?.id === 'string' ? found.id : null
}
