import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { ManualClock } from './clock.ts'
import { silentLog } from './log.ts'
import { currentSecret, SPREAD_MS, secretFileChanged, secretFilesOf } from './secret-files.ts'

/** A folder as a kubelet mounts a Secret: `..data` leads to the folder of its version, and the files lead through it. */
async function aMountedSecret(content: string) {
  const folder = await mkdtemp(join(tmpdir(), 'secret-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  let version = 0
  const write = async (value: string) => {
    const name = `..version-${++version}`
    await mkdir(join(folder, name))
    await writeFile(join(folder, name, 'password'), value)
    await symlink(name, join(folder, '..data_tmp'))
    await rename(join(folder, '..data_tmp'), join(folder, '..data'))
  }
  await write(content)
  await symlink('..data/password', join(folder, 'password'))
  return { path: join(folder, 'password'), write }
}

/** Looks at files for as long as the test says. */
function looking(paths: string[], random = 0.5) {
  const clock = new ManualClock()
  const seen: string[] = []
  void secretFileChanged({ paths, clock, log: silentLog, random: () => random }).then((path) => seen.push(path))
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at += 1_000) {
      clock.advance(1_000)
      if (at % 5_000 === 0) await new Promise((resolve) => setTimeout(resolve, 3)) // the files are real
    }
  }
  return { seen, pass }
}

test('a secret that changes is seen, after the part of the spread that falls to this replica', async () => {
  const secret = await aMountedSecret('first')
  const { seen, pass } = looking([secret.path], 0.5)
  await pass(60_000)
  expect(seen).toEqual([])
  await secret.write('second')
  await pass(SPREAD_MS * 0.4)
  expect(seen).toEqual([])
  await pass(SPREAD_MS * 0.3)
  await expect.poll(() => seen).toEqual([secret.path])
})

test('replicas that see a change together act apart', async () => {
  const secret = await aMountedSecret('first')
  const [early, late] = [looking([secret.path], 0.05), looking([secret.path], 0.95)]
  await Promise.all([early.pass(20_000), late.pass(20_000)])
  await secret.write('second')
  await Promise.all([early.pass(SPREAD_MS * 0.4), late.pass(SPREAD_MS * 0.4)])
  await expect.poll(() => [early.seen.length, late.seen.length]).toEqual([1, 0])
})

test('the same content again, one taken back in time, and a file that is missing are no change', async () => {
  const secret = await aMountedSecret('first')
  const { seen, pass } = looking([secret.path, `${secret.path}-missing`], 0.9)
  await pass(20_000)
  await secret.write('first')
  await pass(20_000)
  await secret.write('mistake')
  await pass(20_000)
  await secret.write('first')
  await pass(2 * SPREAD_MS)
  await rm(secret.path)
  await pass(2 * SPREAD_MS)
  expect(seen).toEqual([])
})

test('the files are those of variables that end in _FILE and are set, without those that are read at every login', () => {
  const env = {
    LIVEKIT_API_KEY_FILE: '/a',
    NATS_CA_FILE: '/b',
    NATS_PASSWORD_FILE: '/d',
    STATS_NATS_PASSWORD_FILE: '/e',
    EMPTY_FILE: '',
    FILES: '/c',
  }
  expect(secretFilesOf(env)).toEqual(['/a', '/b'])
})

test('a secret that is read when it is needed has the value of its file, or the last one while there is none', async () => {
  const secret = await aMountedSecret('first\n')
  const password = currentSecret('at the start', secret.path)
  expect(password()).toBe('first')
  await secret.write('second')
  expect(password()).toBe('second')
  await rm(secret.path)
  expect(password()).toBe('second')
  expect(currentSecret('literal', undefined)()).toBe('literal')
  expect(currentSecret('at the start', `${secret.path}-missing`)()).toBe('at the start')
})

test('a process whose secret changed stops as gracefully as after a signal', async () => {
  const here = fileURLToPath(new URL('.', import.meta.url))
  const program = `
    import { runProcess } from '${here}lifecycle.ts'
    import { silentLog } from '${here}log.ts'
    const start = async () => ({ stop: async () => console.log('drained') })
    await runProcess(silentLog, start, { outdated: new Promise((resolve) => setTimeout(resolve, 50, '/run/secret')) })`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
  const code = await new Promise((resolve) => child.once('close', resolve))
  expect([code, said]).toEqual([0, 'drained\n'])
})
