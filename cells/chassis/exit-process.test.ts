import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { freshFolder } from '../../testing/fresh-folder.ts'
import { type Program, startProgram } from '../../testing/program.ts'
import { exitProgram } from './exit-process.ts'

const here = fileURLToPath(new URL('.', import.meta.url))

/** What Node.js does where a thread never ends. */
const HANGS_AT_EXIT = 'process.reallyExit = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)'

function startModule(source: string, { flags = [], env = {} }: { flags?: string[]; env?: NodeJS.ProcessEnv } = {}): Program {
  const imports = `
    import { writeFileSync } from 'node:fs'
    import { UserError } from '${here}errors.ts'
    import { exitWithoutJoiningThreads } from '${here}exit-process.ts'
    import { runProcess } from '${here}lifecycle.ts'
    import { silentLog } from '${here}log.ts'`
  return startProgram(process.execPath, [...flags, '--input-type=module-typescript', '-e', `${imports}\n${source}`], { env })
}

test.each([
  ['when it was stopped', 0, `({ stop: async () => console.log('stopped') })`],
  ['when it has done its work', 0, 'undefined'],
  ['after a mistake of the user', 3, `Promise.reject(new UserError('wrong', 3))`],
  ['after a bug', 70, `Promise.reject(new Error('bug'))`],
])('a process ends with its exit code %s, although its threads do not end', async (_, code, started) => {
  const outdated = `{ outdated: Promise.resolve('changed') }`
  await using program = startModule(`${HANGS_AT_EXIT}; await runProcess(silentLog, async () => ${started}, ${outdated})`)
  expect(await program.ended).toBe(code)
})

test('a process that has nothing left to do becomes that program after those who wait for its exit, and does nothing more', async () => {
  const folder = freshFolder()
  await using program = startModule(`
    const note = (name) => process.once('exit', (code) => writeFileSync('${folder}/' + name, String(code)))
    note('before')
    process.exitCode = 5
    exitWithoutJoiningThreads()
    note('after')`)
  expect(await program.ended).toBe(5)
  expect(readdirSync(folder)).toEqual(['before'])
  expect(readFileSync(`${folder}/before`, 'utf8')).toBe('5')
})

test('a process ends while threads of V8 wait for a garbage collection that the main thread would have to do', {
  timeout: 120_000,
}, async () => {
  const source = `
    const heap = Array.from({ length: 60_000 }, (_, i) => ({ i, more: [i, i] }))
    await runProcess(silentLog, async () => void heap)`
  for (let run = 0; run < 6; run++) {
    await using program = startModule(source, { flags: ['--stress-concurrent-allocation'] })
    expect(await program.ended).toBe(0)
  }
})

test('the compiled code of a process that ended is kept for its next start', async () => {
  const folder = freshFolder()
  await using program = startModule('await runProcess(silentLog, async () => undefined)', { env: { NODE_COMPILE_CACHE: folder } })
  expect(await program.ended).toBe(0)
  expect(readdirSync(folder, { recursive: true, withFileTypes: true }).some((entry) => entry.isFile())).toBe(true)
})

test.each([true, false])('the program that a process becomes exits with the same code (with a shell: %s)', (hasShell) => {
  for (const code of [0, 70, 143]) {
    const { file, args } = exitProgram(code, hasShell) ?? {}
    const { status, stdout, stderr } = spawnSync(file ?? '', args?.slice(1), { env: {}, encoding: 'utf8' })
    expect({ status, stdout, stderr }).toEqual({ status: code, stdout: '', stderr: '' })
  }
})
