import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startVitest } from 'vitest/node'
import { catalogue, ensure } from '../testing/parts/catalogue.ts'
import type { PartName } from '../testing/parts/part.ts'
import { type Outcome, outcomeOf, sumOf } from './test-outcome.ts'

// npm test: checks types and format, makes the real parts, runs every test this machine can run, and says what it could not.

const root = fileURLToPath(new URL('../', import.meta.url))
const endToEnd = ['e2e/*.test.ts']
const inCi = process.env.CI === 'true'
/** Tests start hundreds of processes from source; with the compiled code of those before, one takes half the time. */
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'node-compile-cache')
const say = (line: string) => process.stderr.write(`${line}\n`)

/** Types and format: two more tests, which speak for themselves. */
function check(): Outcome {
  const checks: [string, ...string[]][] = [['tsc'], ['biome', 'ci', '.']]
  const failed = checks.filter(([name, ...args]) => {
    const { status } = spawnSync(`${root}node_modules/.bin/${name}`, args, { cwd: root, stdio: 'inherit' })
    return status !== 0
  })
  return { passed: checks.length - failed.length, failed: failed.length, skipped: [] }
}

/** Makes what is missing, one after the other: each of them takes all the machine has. */
async function makeParts(): Promise<Map<string, string>> {
  const missing = new Map<string, string>()
  for (const name of Object.keys(catalogue) as PartName[]) {
    const state = await ensure(name, say)
    if ('missing' in state) missing.set(name, state.missing)
  }
  return missing
}

/** Runs the test files that a filter lets through, and reports as vitest does. */
async function runTests(
  title: string,
  options: { include?: string[]; exclude?: string[]; maxWorkers: number },
): Promise<Outcome> {
  say(`\n${title}`)
  const { maxWorkers, ...which } = options
  const vitest = await startVitest('test', [], { ...which, root, watch: false, maxWorkers, passWithNoTests: true })
  const outcome = outcomeOf(vitest.state.getTestModules(), vitest.state.getUnhandledErrors())
  await vitest.close()
  return outcome
}

const checked = check()
const missing = await makeParts()
const tested = [
  // Whole clusters and explorers want the machine for themselves, so they come after everything else, one file at a time.
  await runTests('units and parts', { exclude: endToEnd, maxWorkers: 2 }),
  await runTests('end to end', { include: endToEnd, maxWorkers: 1 }),
]
const { passed, failed, skipped } = sumOf([checked, ...tested])

if (missing.size > 0 || skipped.length > 0) say('\ncould not run:')
for (const [name, reason] of missing) say(`  part ${name}: ${reason}`)
for (const title of skipped) say(`  ${title}`)

console.log(`\n${passed} passed, ${failed} failed, ${skipped.length} skipped`)
process.exit(failed > 0 || (inCi && missing.size + skipped.length > 0) ? 1 : 0)
