import { type Colour, cut, plain, type TableCell, type TableStyle, tableOf, wrapped } from '../output/table.ts'
import type { TopCell, TopData, TopRealm } from './top-data.ts'

/** By what realms are sorted. */
export type TopOrder = 'players' | 'islands' | 'joins' | 'heartbeats' | 'refusals' | 'name'

/** How the table is drawn; columns that are wider than the terminal are left out. */
export interface TopLayout extends TableStyle {
  /** Lines of the terminal. */
  height?: number | undefined
}

interface Line {
  realm: TopRealm
  /** Undefined in the line of the whole realm. */
  cell?: TopCell
}

interface Column {
  title: string
  text: (line: Line) => string
  isNumber?: true
  /** Only the API server knows it. */
  ofCluster?: true
  /** Columns with a higher number are left out first where the terminal is narrow. */
  leftOut: number
}

const of = ({ realm, cell }: Line) => cell ?? realm
const ofRealm = ({ realm, cell }: Line) => (cell ? undefined : realm)

const COLUMNS: readonly Column[] = [
  { title: 'REALM', text: ({ realm, cell }) => (cell ? `  cell ${cell.slot}` : realm.realmName), leftOut: 0 },
  { title: 'STATE', text: (line) => of(line).state, leftOut: 2 },
  { title: 'PLAYERS', text: (line) => countText(of(line).players), isNumber: true, leftOut: 0 },
  { title: 'FULL', text: (line) => shareText(of(line).saturation), isNumber: true, ofCluster: true, leftOut: 2 },
  { title: 'CONNECTORS', text: (line) => connectorsText(of(line).connectors), isNumber: true, ofCluster: true, leftOut: 5 },
  { title: 'CPU', text: (line) => cpuText(of(line).cpuCores), isNumber: true, ofCluster: true, leftOut: 3 },
  { title: 'MEMORY', text: (line) => memoryText(of(line).memoryBytes), isNumber: true, ofCluster: true, leftOut: 3 },
  { title: 'ISLANDS', text: (line) => countText(of(line).islands), isNumber: true, leftOut: 4 },
  { title: 'JOIN P99', text: (line) => secondsText(of(line).joinP99Seconds), isNumber: true, ofCluster: true, leftOut: 3 },
  { title: 'JOINED', text: (line) => successText(of(line).joinSuccess), isNumber: true, ofCluster: true, leftOut: 4 },
  { title: 'JOINS/S', text: (line) => rateText(of(line).joins), isNumber: true, leftOut: 1 },
  { title: 'LEAVES/S', text: (line) => rateText(of(line).leaves), isNumber: true, leftOut: 6 },
  { title: 'HEARTBEATS/S', text: (line) => rateText(of(line).heartbeats), isNumber: true, leftOut: 4 },
  { title: 'ANSWERS/S', text: (line) => rateText(ofRealm(line)?.answers), isNumber: true, leftOut: 7 },
  { title: 'REFUSALS/S', text: (line) => rateText(ofRealm(line)?.refusals), isNumber: true, leftOut: 5 },
]
/** Between columns. */
const GAP = 2
const MIN_NAME_WIDTH = 8

/** The table of all realms and their cells, each line with its end. */
export function topTable(data: TopData, order: TopOrder, { width, height, colours = false }: TopLayout): string {
  const lines = [...data.realms].sort(comparedBy(order)).flatMap(linesOf)
  const notes = (data.notes ?? []).flatMap((note) => wrapped(note, width))
  const [shown, more] = height === undefined ? [lines, 0] : withinHeight(lines, height - 4 - notes.length)
  const columns = columnsWithin(shown, width)
  const titles = columns.map(({ column, size }) => aligned(column.title, column, size))
  const table = tableOf([titles, ...shown.map((line) => rowOf(line, columns))], { colours })
  const rest = [...(more > 0 ? [`… and ${more} more`] : []), ...notes].map((line) => `${line}\n`).join('')
  return `${cut(headline(data), width ?? Number.POSITIVE_INFINITY)}\n${table}${rest}`
}

const linesOf = (realm: TopRealm): Line[] => [{ realm }, ...realm.cells.map((cell) => ({ realm, cell }))]

function withinHeight(lines: readonly Line[], room: number): [readonly Line[], number] {
  const shown = lines.slice(0, Math.max(1, room))
  return [shown, lines.length - shown.length]
}

function headline({ players, healthyCount, realmCount, answers, refusals, slowest }: TopData): string {
  const parts = [
    `${countText(players)} ${players === 1 ? 'player' : 'players'}`,
    `${healthyCount} of ${realmCount} ${realmCount === 1 ? 'realm' : 'realms'} healthy`,
    `${rateText(answers)} answers/s`,
    `${rateText(refusals)} refusals/s`,
    ...(slowest ? [`slowest: ${slowest.milliseconds} ms, ${plain(slowest.url)}`] : []),
  ]
  return parts.join(', ')
}

/** The columns that fit, and the width of each; the name is shortened where even the most important ones do not. */
function columnsWithin(lines: readonly Line[], width: number | undefined) {
  const isAsked = lines.some((line) => of(line).connectors !== undefined)
  const sized = COLUMNS.filter(({ ofCluster }) => isAsked || !ofCluster).map((column) => ({
    column,
    size: Math.max(column.title.length, ...lines.map((line) => plain(column.text(line)).length)),
  }))
  if (width === undefined) return sized
  const total = (columns: typeof sized) => columns.reduce((sum, { size }) => sum + size + GAP, -GAP)
  let kept = sized
  for (let least = Math.max(...COLUMNS.map(({ leftOut }) => leftOut)); total(kept) > width && least > 0; least--)
    kept = kept.filter(({ column }) => column.leftOut < least)
  const [name, ...others] = kept
  const room = Math.max(MIN_NAME_WIDTH, width - total(others) - GAP)
  return name ? [{ ...name, size: Math.min(name.size, room) }, ...others] : kept
}

const rowOf = (line: Line, columns: readonly { column: Column; size: number }[]): TableCell[] =>
  columns.map(({ column, size }) => {
    const text = aligned(plain(column.text(line)), column, size)
    const colour = column.title === 'STATE' ? COLOUR_OF_STATE[of(line).state] : undefined
    return colour ? { text, colour } : text
  })

const COLOUR_OF_STATE: Readonly<Record<string, Colour>> = {
  ...{ healthy: 'green', serving: 'green', starting: 'yellow', draining: 'yellow' },
  ...{ unhealthy: 'red', 'not served': 'red', hibernated: 'dim', deleted: 'dim' },
}

function aligned(text: string, { isNumber }: Column, size: number): string {
  const short = cut(text, size)
  return isNumber ? short.padStart(size) : short
}

function comparedBy(order: TopOrder): (a: TopRealm, b: TopRealm) => number {
  const byName = (a: TopRealm, b: TopRealm) => (a.realmName < b.realmName ? -1 : a.realmName > b.realmName ? 1 : 0)
  return order === 'name' ? byName : (a, b) => (b[order] ?? -1) - (a[order] ?? -1) || byName(a, b)
}

const countText = (count: number | null): string => (count === null ? '-' : count.toLocaleString('en'))

const shareText = (share: number | null | undefined): string => (share == null ? '-' : `${Math.round(share * 100)}%`)

/** Rounded down: 100% is no failure at all. */
const successText = (share: number | null | undefined): string => (share == null ? '-' : `${Math.floor(share * 1_000) / 10}%`)

const connectorsText = (connectors: TopCell['connectors']): string =>
  connectors ? `${connectors.ready}/${connectors.wanted}` : '-'

/** In thousandths of a core, as kubectl top has it. */
const cpuText = (cores: number | null | undefined): string => (cores == null ? '-' : `${Math.round(cores * 1_000)}m`)

const memoryText = (bytes: number | null | undefined): string =>
  bytes == null ? '-' : `${Math.round(bytes / 2 ** 20).toLocaleString('en')}Mi`

const secondsText = (seconds: number | null | undefined): string => {
  if (seconds == null) return '-'
  return seconds < 1 ? `${Math.round(seconds * 1_000)} ms` : `${seconds.toFixed(1)} s`
}

const rateText = (rate: number | null | undefined): string =>
  rate === null || rate === undefined ? '-' : rate.toLocaleString('en', { maximumFractionDigits: rate < 10 ? 1 : 0 })
