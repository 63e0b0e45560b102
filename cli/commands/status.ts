import { stripVTControlCharacters } from 'node:util'
import { stringify } from 'yaml'
import { type ClusterNamespace, type ClusterOptions, cellsOf, inCluster, realmNamed } from '../cluster/cluster.ts'
import { type RealmReport, type ReportedCell, reportOf } from '../cluster/realm-report.ts'
import { waitFor } from '../cluster/wait.ts'
import { type Colour, shortSpan, type TableCell, type TableStyle, tableOf, wrapped } from '../output/table.ts'
import type { ClusterPorts } from './cluster-ports.ts'

export interface StatusOptions extends ClusterOptions {
  output?: 'table' | 'json' | 'yaml'
  /** Prints again whenever something has changed, until the process is stopped. */
  watch?: boolean
  /** Waits for so many milliseconds until the realm is as its spec says. */
  wait?: number
}

/** Reads a realm and its cells. @throws UserError 1 where there is no such Realm */
export async function readReport(cluster: ClusterNamespace, name: string): Promise<RealmReport> {
  const realm = await realmNamed(cluster, name)
  return reportOf(realm, await cellsOf(cluster, realm))
}

/**
 * Prints how a realm is: where its players connect, what is wrong, and what goes on.
 *
 * @returns the exit code: 0 where the realm is as its spec says, 1 where it is not
 * @throws UserError 124 when it was not within the time that `wait` gives, and as `inCluster`
 */
export function status(name: string, options: StatusOptions, ports: ClusterPorts): Promise<number> {
  return inCluster(options, ports.env, async (cluster) => {
    const read = () => readReport(cluster, name)
    if (options.watch) return watch(read, options, ports)
    const report = options.wait === undefined ? await read() : await settled(read, options.wait, ports)
    await ports.print(textOf(report, options, ports))
    return report.settled ? 0 : 1
  })
}

/** Waits until a realm is as its spec says, or cannot get there; says on the way what it waits for. */
export function settled(read: () => Promise<RealmReport>, timeoutMs: number, ports: ClusterPorts): Promise<RealmReport> {
  let said = ''
  const onRead = async (report: RealmReport) => {
    const sentence = reconcilingText(report)
    if (sentence !== said && !report.settled) ports.say(sentence)
    said = sentence
  }
  return waitFor(read, (report) => report.settled || report.stalled, {
    timeoutMs,
    what: 'the realm is as its spec says',
    onRead,
    ports,
  })
}

const reconcilingText = ({ name, conditions }: RealmReport): string => {
  const { reason, message } = conditions.find(({ type, status: value }) => type === 'Reconciling' && value === 'True') ?? {}
  return reason ? `${name}: ${reason}: ${message}` : `${name}: waiting for the operator`
}

async function watch(read: () => Promise<RealmReport>, options: StatusOptions, ports: ClusterPorts): Promise<number> {
  let before = ''
  for (;;) {
    const text = textOf(await read(), options, ports)
    if (text !== before) await ports.print(before === '' ? text : `\n${text}`)
    before = text
    await ports.sleep(1_000)
  }
}

function textOf(report: RealmReport, { output }: StatusOptions, { style, today }: ClusterPorts): string {
  if (output === 'json') return `${JSON.stringify(report, null, 2)}\n`
  if (output === 'yaml') return stringify(report)
  return reportText(report, style, today())
}

/** A report for people. `now` is in milliseconds since the epoch. */
export function reportText(report: RealmReport, style: TableStyle, now: number): string {
  const { slots, problems } = report
  const parts = [headOf(report, style)]
  if (slots.length > 0) parts.push(tableOf([SLOT_TITLES, ...slots.map(slotRow)], { ...style, leftOut: LEFT_OUT }))
  if (problems.length > 0) parts.push(problemsText(problems, style, now))
  return parts.join('\n')
}

const LEFT_OUT = ['REVISION', 'TOPOLOGY', 'VERSION', 'CONNECTORS']
const PROBLEM_TITLES = ['PROBLEM', 'OF', 'REASON', 'SINCE']
const INDENT = '  '

/** A table with each message in full: in the last column, or below its line where the last column would have little room. */
function problemsText(problems: RealmReport['problems'], style: TableStyle, now: number): string {
  const rows = problems.map(({ severity, subject, reason, since }): TableCell[] => [
    { text: severity, colour: severity === 'error' ? 'red' : severity === 'warning' ? 'yellow' : 'dim' },
    subject,
    reason,
    since ? shortSpan(now - Date.parse(since)) : '-',
  ])
  const { width = Number.POSITIVE_INFINITY } = style
  const inOneLine = tableOf([[...PROBLEM_TITLES, 'MESSAGE'], ...rows.map((row, at) => [...row, problems[at]?.message ?? ''])], {
    ...style,
    width: undefined,
  })
  if (
    stripVTControlCharacters(inOneLine)
      .split('\n')
      .every(({ length }) => length <= width)
  )
    return inOneLine
  const [titles, ...lines] = tableOf([PROBLEM_TITLES, ...rows], style)
    .trimEnd()
    .split('\n')
  const messages = problems.map(({ message }) => wrapped(message, width - INDENT.length).map((line) => `${INDENT}${line}`))
  return `${[titles, ...lines.flatMap((line, at) => [line, ...(messages[at] ?? [])])].join('\n')}\n`
}

function headOf(report: RealmReport, style: TableStyle): string {
  const { namespace, name, mode, version, about, players, cells, published } = report
  const state: TableCell = report.stalled
    ? { text: 'stalled', colour: 'red' }
    : report.settled
      ? { text: 'as its spec says', colour: 'green' }
      : { text: report.ready ? 'changing' : 'not ready', colour: report.ready ? 'yellow' : 'red' }
  const counted = `${cells.ready} of ${cells.wanted} ready, ${cells.updated} of the present spec`
  return tableOf(
    [
      ['realm', `${namespace}/${name}`],
      ['state', state],
      ['version', version],
      ...(mode === 'World' ? [['mode', 'World']] : [['cells', counted]]),
      ['players', players ?? 'unknown'],
      [
        'published',
        published ? (about ?? 'yes') : { text: `no${about ? `; it will be at ${about}` : ''}`, colour: 'yellow' as Colour },
      ],
    ],
    { ...style, width: undefined },
  )
}

const SLOT_TITLES = ['SLOT', 'CELL', 'STATE', 'CONNECTORS', 'PLAYERS', 'TOPOLOGY', 'VERSION', 'REVISION']

const COLOURS: Readonly<Record<string, Colour>> = {
  Serving: 'green',
  Unhealthy: 'red',
  Starting: 'yellow',
  Draining: 'yellow',
  Drained: 'dim',
}

const slotRow = ({ slot, name, state, connectors, players, topology, version, revision }: ReportedCell): TableCell[] => [
  String(slot),
  name,
  { text: state, colour: COLOURS[state] ?? 'dim' },
  `${connectors.ready}/${connectors.wanted}`,
  players ?? '-',
  topology,
  version,
  revision || '-',
]
