import type { ManifestProblem } from './manifest.ts'

/** What a person wants to know of a realm that runs on this machine. */
export interface RealmView {
  name: string
  aboutUrl: string
  /** WebSocket URLs by slot. */
  sockets: readonly string[]
  rooms: { kind: string; url: string; why: string }
  gatekeeperUrl: string | undefined
  statsUrl: string
}

/** What changes while a realm runs. */
export interface RealmVitals {
  name: string
  /** True once the realm provider was seen serving it. */
  published: boolean
  ready: boolean
  /** Why it is not ready. */
  reason: string
  cells: { ready: number; wanted: number }
  players: number
  islands: number
}

/** Where a realm is, in a block. */
export function realmBlock({ name, aboutUrl, sockets, rooms, gatekeeperUrl, statsUrl }: RealmView): string {
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

/** One line that says how everything is. */
export const vitalsLine = (realms: readonly RealmVitals[]): string =>
  realms.length === 0 ? 'no realm is declared' : realms.map(vitals).join('   ')

function vitals({ name, published, ready, reason, cells, players, islands }: RealmVitals): string {
  const state = cells.wanted === 0 ? 'hibernated' : ready ? (published ? 'published' : 'ready') : reason
  return `${name}: ${state}, ${cells.ready}/${cells.wanted} ${plural('cell', cells.wanted)}, ${counted(players, 'player')}, ${counted(islands, 'island')}`
}

/** Problems of a manifest, one a line, in the form editors and terminals make clickable. */
export const problemLines = (problems: readonly ManifestProblem[]): string =>
  problems.map(({ file, line, field, message }) => `  ${file}:${line}: ${field ? `${field}: ` : ''}${message}`).join('\n')

const counted = (count: number, noun: string): string => `${count} ${plural(noun, count)}`
const plural = (noun: string, count: number): string => (count === 1 ? noun : `${noun}s`)
