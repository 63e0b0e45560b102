import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Outcome, outcomeOf, type ScenarioName, type Take, take } from './scenario.ts'

const DEADLINE_MS = 120_000
/** As in the image, so that the memory is comparable. */
const FLAGS = ['--max-semi-space-size=16', '--expose-gc']

const RUNS = 3

/** Runs a scenario in fresh processes, one after the other, to measure its first flush and its memory. */
export async function playInOwnProcesses(scenario: ScenarioName, peers: number, flushes: number): Promise<Outcome> {
  const first = await takeInOwnProcess(scenario, peers, flushes)
  const others: Take[] = []
  for (let run = 1; run < RUNS; run++) others.push(await takeInOwnProcess(scenario, peers, flushes))
  return outcomeOf(scenario, peers, [first, ...others])
}

async function takeInOwnProcess(scenario: ScenarioName, peers: number, flushes: number): Promise<Take> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...FLAGS, fileURLToPath(import.meta.url), scenario, `${peers}`, `${flushes}`],
    { timeout: DEADLINE_MS },
  )
  return JSON.parse(stdout) as Take
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , scenario, peers, flushes] = process.argv
  process.stdout.write(JSON.stringify(take(scenario as ScenarioName, Number(peers), Number(flushes))))
}
