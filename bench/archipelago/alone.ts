import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Outcome, play, type ScenarioName } from './scenario.ts'

const DEADLINE_MS = 120_000
/** As the image has it, so that memory is what it is there. */
const FLAGS = ['--max-semi-space-size=16', '--expose-gc']

/** Plays a scenario in a process of its own, so that its memory is its own. */
export async function playAlone(scenario: ScenarioName, peers: number, flushes: number): Promise<Outcome> {
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
