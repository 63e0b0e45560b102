import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { lockFolder } from './folder-lock.ts'

async function aFolder(below = ''): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatekeeper-lock-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, below), { recursive: true })
  return join(folder, below)
}

/** Another process that tries to lock the folder, prints the result, and goes on running. */
function startHolder(folder: string) {
  const program = `
    import { lockFolder } from ${JSON.stringify(new URL('./folder-lock.ts', import.meta.url).href)}
    const lock = lockFolder(${JSON.stringify(folder)})
    process.stdout.write(lock ? 'held' : 'refused')
    setInterval(() => lock, 1000)`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

async function end(child: ReturnType<typeof startHolder>): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function aHolder(folder: string) {
  const child = startHolder(folder)
  const [output] = await once(child.stdout, 'data')
  expect(String(output)).toBe('held')
  return () => end(child)
}

test.each(['', `deep/${'x'.repeat(120)}`])(
  'a folder (%j) is locked by one process, and free once that was killed',
  async (below) => {
    const folder = await aFolder(below)
    const kill = await aHolder(folder)
    expect(lockFolder(folder)).toBeUndefined()
    await kill()
    const lock = lockFolder(folder)
    expect(lock).toBeDefined()
    expect(lockFolder(folder)).toBeUndefined()
    lock?.release()
    lockFolder(folder)?.release()
  },
)

/** Starts processes that lock the same folder at the same time; their output is `held` or `refused`, and they go on running. */
async function startHolders(folder: string, count: number) {
  const children = Array.from({ length: count }, () => startHolder(folder))
  const outputs = await Promise.all(children.map(async (child) => String((await once(child.stdout, 'data'))[0])))
  return { outputs, kill: () => Promise.all(children.map(end)) }
}

test('of three processes that start after the holder was killed one gets the lock, in each of eight rounds', async () => {
  const folder = await aFolder()
  for (let round = 0; round < 8; round++) {
    const { outputs, kill } = await startHolders(folder, 3)
    expect(outputs.sort()).toEqual(['held', 'refused', 'refused'])
    await kill()
  }
}, 60_000)

test('of many attempts in one process one gets the lock', async () => {
  const folder = await aFolder()
  const locks = Array.from({ length: 20 }, () => lockFolder(folder))
  expect(locks.filter((lock) => lock !== undefined)).toHaveLength(1)
  for (const lock of locks) lock?.release()
})

test('a folder that cannot be locked is refused with the reason and what to do', async () => {
  const folder = await aFolder()
  expect(() => lockFolder(join(folder, 'missing'))).toThrow(
    /cannot be locked .*: use a volume whose file system has POSIX record locks/,
  )
})
