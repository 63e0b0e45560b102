import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Outcome, play, type ScenarioName } from './scenario.ts'

const DEADLINE_MS = 120_000
/** As in the image, so that the memory is comparable. */
const FLAGS = ['--max-semi-space-size=16', '--expose-gc']

/** Runs a scenario in a process of its own, to measure its memory. */
export async function playInOwnProcess(scenario: ScenarioName, peers: number, flushes: number): Promise<Outcome> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...FLAGS, fileURLToPath(import.meta.url), scenario, `${peers}`, `${flushes}`],
    {
      timeout: DEADLINE_MS,
    },
  )
  return JSON.parse(stdout) as Outcome
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , scenario, peers, flushes] = process.argv
  process.stdout.write(JSON.stringify(play(scenario as ScenarioName, Number(peers), Number(flushes))))
}
