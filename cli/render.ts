import type { RelayAddress } from '../cells/wire/relay-address.ts'
import { movementStatus } from '../operator/desired/movement.ts'
import type { ManifestProblem } from './manifest.ts'

/** URLs of a realm that runs on this machine. */
export interface RealmEndpoints {
  name: string
  aboutUrl: string
  /** WebSocket URLs by slot. */
  sockets: readonly string[]
  rooms: { kind: string; url: string; why: string }
  gatekeeperUrl: string | undefined
  /** Undefined for a world, which has no statistics. */
  statsUrl: string | undefined
  /** The movement relay that the realm names in place of that of this machine; undefined = that one. */
  otherRelay: string | undefined
}

/** State of a realm that changes while it runs. */
export interface RealmState {
  name: string
  /** It has no cells and no islands then. */
  isWorld: boolean
  /** True once the realm provider was observed to serve it. */
  published: boolean
  ready: boolean
  /** Why it is not ready. */
  reason: string
  cells: { ready: number; desired: number }
  players: number
  islands: number
}

/** The URLs of a realm, one a line. */
export function realmBlock({ name, aboutUrl, sockets, rooms, gatekeeperUrl, statsUrl, otherRelay }: RealmEndpoints): string {
  const rows: [string, string][] = [
    ['about', aboutUrl],
    ...sockets.map((url, i): [string, string] => [i === 0 ? 'sockets' : '', url]),
    ...(sockets[0]?.startsWith('ws:')
      ? [
          ['', 'Unity cannot enter over ws://: put a proxy with TLS in front, and name it with --public-url'] satisfies [
            string,
            string,
          ],
        ]
      : []),
    ['rooms', `${rooms.kind} at ${rooms.url}`],
    ['', `because ${rooms.why}`],
    ...(rooms.kind === 'LiveKit'
      ? []
      : [['', 'they serve the Bevy explorer only: docs/explorers.md'] satisfies [string, string]]),
    ...(gatekeeperUrl ? [['gatekeeper', gatekeeperUrl] satisfies [string, string]] : []),
    ...(statsUrl ? [['stats', `${statsUrl}/peers`] satisfies [string, string]] : []),
    ...(otherRelay ? [['movement', otherRelay] satisfies [string, string]] : []),
  ]
  return `  ${name}\n${rows.map(([label, value]) => `    ${label.padEnd(12)}${value}`).join('\n')}\n`
}

/** How an explorer is pointed at the movement relay of this machine. */
export function movementBlock(relay: RelayAddress, aboutUrl: string): string {
  const { host, bevy, godot, unity } = movementStatus(relay, aboutUrl)
  const rows: [string, string][] = [
    ['Bevy', bevy],
    ['Godot', godot],
    ['Unity', unity],
  ]
  return [
    `  Movement relay at UDP ${host}: explorers see the players of a realm move when they are pointed at it`,
    ...rows.map(([explorer, how]) => `    ${explorer.padEnd(12)}${how}`),
    '    Which explorers need it, and what works without it: docs/explorers.md',
    '',
  ].join('\n')
}

/** The states of all realms in one line. */
export const statusLine = (realms: readonly RealmState[]): string =>
  realms.length === 0 ? 'no realm is declared' : realms.map(stateText).join('   ')

function stateText({ name, isWorld, published, ready, reason, cells, players, islands }: RealmState): string {
  const state = cells.desired === 0 ? 'hibernated' : ready ? (published ? 'published' : 'ready') : reason
  if (isWorld) return `${name}: ${state}, ${counted(players, 'player')}`
  return `${name}: ${state}, ${cells.ready}/${cells.desired} ${plural('cell', cells.desired)}, ${counted(players, 'player')}, ${counted(islands, 'island')}`
}

/** Problems of a manifest, one a line, in the form editors and terminals make clickable. */
export const problemLines = (problems: readonly ManifestProblem[]): string =>
  problems.map(({ file, line, field, message }) => `  ${file}:${line}: ${field ? `${field}: ` : ''}${message}`).join('\n')

const counted = (count: number, noun: string): string => `${count} ${plural(noun, count)}`
const plural = (noun: string, count: number): string => (count === 1 ? noun : `${noun}s`)
