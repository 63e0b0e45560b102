import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { measureRest, type Rest } from './rest.ts'
import { type Outcome, outcomeOf, quantile, type ScenarioName, type Take, take } from './scenario.ts'

const DEADLINE_MS = 120_000
/** As in the image, so that the memory is comparable. */
const FLAGS = ['--max-semi-space-size=16', '--expose-gc']

const RUNS = 3
/** So many that the slowest hundredth is several flushes. */
const FLUSHES_FOR_P99 = 300
const REST = 'rest'

/** Runs a scenario in fresh processes, one after the other, to measure its first flush and its memory. */
export async function playInOwnProcesses(scenario: ScenarioName, peers: number, flushes: number): Promise<Outcome> {
  const [first, ...others] = await inOwnProcesses<Take>(scenario, peers, flushes)
  return outcomeOf(scenario, peers, [first, ...others])
}

/** How evenly a process spends its time, from its second flush on; in processor time, because other programs are not to be measured. */
export interface Evenness {
  medianMs: number
  /** As multiples of the median. */
  p99: number
  slowest: number
}

/** Runs a scenario for ten minutes of its players, in fresh processes; of each figure the median of the processes counts. */
export async function measureEvenness(scenario: ScenarioName, peers: number): Promise<Evenness> {
  const takes = await inOwnProcesses<Take>(scenario, peers, FLUSHES_FOR_P99)
  const medianOf = (figure: (times: readonly number[]) => number): number =>
    quantile(
      takes.map(({ cpuTimes }) => figure(cpuTimes)),
      0.5,
    )
  const medianMs = medianOf((times) => quantile(times, 0.5))
  const p99 = medianOf((times) => quantile(times, 0.99) / quantile(times, 0.5))
  const slowest = medianOf((times) => Math.max(...times) / quantile(times, 0.5))
  return { medianMs, p99, slowest }
}

/** Lets a crowd come to rest in fresh processes; all are identical, so the fastest counts. */
export async function restInOwnProcesses(peers: number): Promise<Rest> {
  const [first, ...others] = await inOwnProcesses<Rest>(REST, peers)
  return { ...first, slowestMs: Math.min(first.slowestMs, ...others.map(({ slowestMs }) => slowestMs)) }
}

async function inOwnProcesses<Result>(...args: readonly (string | number)[]): Promise<[Result, ...Result[]]> {
  const results: [Result, ...Result[]] = [await inOwnProcess<Result>(args)]
  for (let run = 1; run < RUNS; run++) results.push(await inOwnProcess<Result>(args))
  return results
}

async function inOwnProcess<Result>(args: readonly (string | number)[]): Promise<Result> {
  const program = [...FLAGS, fileURLToPath(import.meta.url), ...args.map(String)]
  const { stdout } = await promisify(execFile)(process.execPath, program, { timeout: DEADLINE_MS })
  return JSON.parse(stdout) as Result
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , scenario, peers, flushes] = process.argv
  const result = scenario === REST ? measureRest(Number(peers)) : take(scenario as ScenarioName, Number(peers), Number(flushes))
  process.stdout.write(JSON.stringify(result))
}
