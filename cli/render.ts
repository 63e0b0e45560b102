import { PULSE_PORT } from '../cells/pulse/core/pulse-port.ts'
import type { ManifestProblem } from './manifest.ts'

/** URLs of a realm that runs on this machine. */
export interface RealmEndpoints {
  name: string
  aboutUrl: string
  /** WebSocket URLs by slot. */
  sockets: readonly string[]
  rooms: { kind: string; url: string; why: string }
  gatekeeperUrl: string | undefined
  statsUrl: string
}

/** State of a realm that changes while it runs. */
export interface RealmState {
  name: string
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
export function realmBlock({ name, aboutUrl, sockets, rooms, gatekeeperUrl, statsUrl }: RealmEndpoints): string {
  const rows: [string, string][] = [
    ['about', aboutUrl],
    ...sockets.map((url, i): [string, string] => [i === 0 ? 'sockets' : '', url]),
    ['rooms', `${rooms.kind} at ${rooms.url}`],
    ['', `because ${rooms.why}`],
    ...(gatekeeperUrl ? [['gatekeeper', gatekeeperUrl] satisfies [string, string]] : []),
    ['stats', `${statsUrl}/peers`],
  ]
  return `  ${name}\n${rows.map(([label, value]) => `    ${label.padEnd(12)}${value}`).join('\n')}\n`
}

/** How an explorer is pointed at a movement relay; Unity takes another one by its name only. */
export function movementBlock({ host, port }: { host: string; port: number }, realmUrl: string): string {
  const relay = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const rows: [string, string][] = [
    ['Bevy', `PULSE_SERVER=${relay}`],
    ['Godot', `decentraland://?realm=${realmUrl}&pulse-server=${relay}`],
    [
      'Unity',
      port === PULSE_PORT
        ? `name server or hosts file: ${host} pulse-server.decentraland.org`
        : `not possible: it knows no other port than ${PULSE_PORT}, which another program has`,
    ],
  ]
  return [
    `  Movement relay at UDP ${relay}: explorers see the players of a realm move when they are pointed at it`,
    ...rows.map(([explorer, how]) => `    ${explorer.padEnd(12)}${how}`),
    '',
  ].join('\n')
}

/** The states of all realms in one line. */
export const statusLine = (realms: readonly RealmState[]): string =>
  realms.length === 0 ? 'no realm is declared' : realms.map(stateText).join('   ')

function stateText({ name, published, ready, reason, cells, players, islands }: RealmState): string {
  const state = cells.desired === 0 ? 'hibernated' : ready ? (published ? 'published' : 'ready') : reason
  return `${name}: ${state}, ${cells.ready}/${cells.desired} ${plural('cell', cells.desired)}, ${counted(players, 'player')}, ${counted(islands, 'island')}`
}

/** Problems of a manifest, one a line, in the form editors and terminals make clickable. */
export const problemLines = (problems: readonly ManifestProblem[]): string =>
  problems.map(({ file, line, field, message }) => `  ${file}:${line}: ${field ? `${field}: ` : ''}${message}`).join('\n')

const counted = (count: number, noun: string): string => `${count} ${plural(noun, count)}`
const plural = (noun: string, count: number): string => (count === 1 ? noun : `${noun}s`)
