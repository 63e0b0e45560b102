import type { V1Pod } from '@kubernetes/client-node'
import pLimit from 'p-limit'
import { CELL_LABEL, REALM_LABEL } from '../../operator/desired/naming.ts'
import type { ClusterNamespace } from '../cluster/cluster.ts'
import { type Seen, seen } from '../cluster/seen.ts'

/** What the connector in one pod measured of its players' joins. */
export interface PodJoins {
  namespace: string
  realm: string
  cell: string
  joins: JoinReadings
}

/** How long players waited for an island since the connector started, and how many did in the last ten minutes. */
export interface JoinReadings {
  /** Players who waited so many seconds or less, by that number; the last one is infinite. */
  atMost: ReadonlyMap<number, number>
  given: number
  missed: number
}

/** What was read of the connectors of a cluster. */
export interface ReadJoins {
  pods: PodJoins[]
  /** Why it is not of all connectors. */
  note: string | undefined
}

const MOST_PODS = 200
const AT_ONCE = 8
const LIMITS = { timeoutMs: 5_000, maxBytes: 1024 * 1024 }
const BUCKET = /^realm_connector_join_seconds_bucket\{[^}]*\ble="([^"]+)"[^}]*\} (\S+)/gm
const RECENT = /^realm_connector_joins_(given|missed)(?:\{[^}]*\})? (\S+)/gm

/** Reads the metrics of connectors through the API server. */
export async function readJoins({ raw }: Pick<ClusterNamespace, 'raw'>, connectors: Seen<readonly V1Pod[]>): Promise<ReadJoins> {
  if ('unseen' in connectors) return { pods: [], note: `How long joins take is not known: ${connectors.unseen}` }
  const running = connectors.value.filter(({ status }) => status?.phase === 'Running')
  const limited = pLimit(AT_ONCE)
  const read = await Promise.all(
    running
      .slice(0, MOST_PODS)
      .map((pod) => limited(() => seen(async () => joinsOf(pod, (await raw.read(metricsPath(pod), LIMITS)).text)))),
  )
  const pods = read.flatMap((each) => ('value' in each ? [each.value] : []))
  const [why] = read.flatMap((each) => ('unseen' in each ? [each.unseen] : []))
  if (why !== undefined && pods.length === 0) return { pods, note: `How long joins take is not known: ${why}` }
  const part = `Joins are of ${pods.length} of ${running.length} connectors`
  if (why !== undefined) return { pods, note: `${part}: ${why}` }
  return { pods, note: running.length > MOST_PODS ? `${part}, which is the most that are asked.` : undefined }
}

function metricsPath({ metadata, spec }: V1Pod): string {
  const port = spec?.containers.flatMap(({ ports = [] }) => ports).find(({ name }) => name === 'http')?.containerPort ?? 8080
  return `/api/v1/namespaces/${metadata?.namespace}/pods/${metadata?.name}:${port}/proxy/metrics`
}

function joinsOf({ metadata }: V1Pod, text: string): PodJoins {
  const { namespace = '', labels = {} } = metadata ?? {}
  return { namespace, realm: labels[REALM_LABEL] ?? '', cell: labels[CELL_LABEL] ?? '', joins: readJoinMetrics(text) }
}

/** What a page of metrics says of joins; a number that is none counts as 0. */
export function readJoinMetrics(text: string): JoinReadings {
  const atMost = new Map<number, number>()
  for (const [, bound = '', count = ''] of text.matchAll(BUCKET)) {
    const seconds = bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound)
    if (seconds > 0) atMost.set(seconds, countOf(count))
  }
  const recent = new Map([...text.matchAll(RECENT)].map(([, what, count = '']) => [what, countOf(count)]))
  return { atMost, given: recent.get('given') ?? 0, missed: recent.get('missed') ?? 0 }
}

const countOf = (text: string): number => {
  const count = Number(text)
  return Number.isFinite(count) && count > 0 ? count : 0
}

/** Of the players of the last ten minutes, the share that got an island in time; null where there was none. */
export function joinSuccessOf(readings: readonly JoinReadings[]): number | null {
  const sum = (name: 'given' | 'missed') => readings.reduce((total, each) => total + each[name], 0)
  const all = sum('given') + sum('missed')
  return all === 0 ? null : Math.round((sum('given') / all) * 1_000) / 1_000
}

const QUANTILE = 0.99

/**
 * The seconds in which 99 of 100 players got their island, within a bucket as the function histogram_quantile of Prometheus estimates it;
 * null where there was none. Above the last bound it is that bound.
 */
export function joinP99Of(readings: readonly JoinReadings[]): number | null {
  const total = new Map<number, number>()
  for (const { atMost } of readings) for (const [bound, count] of atMost) total.set(bound, (total.get(bound) ?? 0) + count)
  const buckets = [...total].sort(([a], [b]) => a - b)
  const wanted = (total.get(Number.POSITIVE_INFINITY) ?? 0) * QUANTILE
  if (wanted === 0) return null
  let [below, counted] = [0, 0]
  for (const [bound, count] of buckets) {
    if (count >= wanted && bound !== Number.POSITIVE_INFINITY)
      return Math.round((below + (bound - below) * ((wanted - counted) / (count - counted || 1))) * 1_000) / 1_000
    if (bound !== Number.POSITIVE_INFINITY) [below, counted] = [bound, count]
  }
  return below === 0 ? null : below
}
