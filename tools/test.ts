import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startVitest } from 'vitest/node'
import { catalogue, ensure } from '../testing/parts/catalogue.ts'
import type { PartName } from '../testing/parts/part.ts'
import { SlowFirst } from './slow-first.ts'
import { filesThatFailed, linesOf, type Outcome, outcomesOf, sumOf } from './test-outcome.ts'

// npm test: checks types and format, makes the real parts, runs every test this machine can run, and says what it could not.

const root = fileURLToPath(new URL('../', import.meta.url))
/** Whole clusters and explorers want the machine for themselves, so they come after everything else, one file at a time. */
const alone = ['e2e/{cluster-command,disruption,explorer,explorer-movement,one-machine-cluster,realm-on-kubernetes}.test.ts']
const inCi = process.env.CI === 'true'
const mostFilesToRunAgain = 3
/** Tests start hundreds of processes from source; with the compiled code of those before, one takes half the time. */
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'node-compile-cache')
const say = (line: string) => process.stderr.write(`${line}\n`)

/** Types and format: two more tests, which speak for themselves. */
function check(): Map<string, Outcome> {
  const checks: [string, ...string[]][] = [['tsc'], ['biome', 'ci', '.']]
  return new Map(
    checks.map(([name, ...args]) => {
      const { status } = spawnSync(`${root}node_modules/.bin/${name}`, args, { cwd: root, stdio: 'inherit' })
      const failed = status === 0 ? [] : [{ title: [name, ...args].join(' '), reason: `ended with ${status}` }]
      return [name, { passed: 1 - failed.length, failed, skipped: [] }]
    }),
  )
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
): Promise<Map<string, Outcome>> {
  say(`\n${title}`)
  const { maxWorkers, ...which } = options
  const sequence = { sequencer: SlowFirst }
  const vitest = await startVitest('test', [], { ...which, root, watch: false, maxWorkers, sequence, passWithNoTests: true })
  const outcomes = outcomesOf(title, vitest.state.getTestModules(), vitest.state.getUnhandledErrors())
  await vitest.close()
  return outcomes
}

const checked = check()
const missing = await makeParts()
const first = new Map([
  ...(await runTests('units, parts and processes', { exclude: alone, maxWorkers: 2 })),
  ...(await runTests('clusters and explorers', { include: alone, maxWorkers: 1 })),
])

// Hundreds of processes share this machine, and a few files may fail for want of it: those run again by themselves. What passes
// then is said by name, because a test that needs a second attempt is one to mend. Where many files fail, the machine is not why.
const failedFiles = filesThatFailed(first)
const runAgain = failedFiles.length > 0 && failedFiles.length <= mostFilesToRunAgain
const again = runAgain ? await runTests('again, by itself', { include: failedFiles, maxWorkers: 1 }) : new Map<string, Outcome>()
const outcomes = new Map([...checked, ...first, ...again])
const { passed, failed, skipped } = sumOf(outcomes)

const list = (title: string, lines: readonly string[]) => {
  if (lines.length > 0) say(`\n${title}\n${lines.map((line) => `  ${line}`).join('\n')}`)
}
list('could not run:', [...[...missing].map(([name, reason]) => `part ${name}: ${reason}`), ...skipped])
list('failed at first, and were run again:', linesOf(new Map([...first].filter(([file]) => again.has(file)))))
list('failed:', linesOf(outcomes))

console.log(`\n${passed} passed, ${failed} failed, ${skipped.length} skipped`)
process.exit(failed > 0 || (inCi && missing.size + skipped.length > 0) ? 1 : 0)
