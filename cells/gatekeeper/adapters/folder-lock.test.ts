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

/** Another process that tries to hold the folder, says whether it does, and stays. */
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
  const [said] = await once(child.stdout, 'data')
  expect(String(said)).toBe('held')
  return () => end(child)
}

test.each(['', `deep/${'x'.repeat(120)}`])(
  'a folder (%j) is held by one process, and free once that was killed',
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

/** What came of processes that wanted the same folder at the same moment: `held` or `refused`, each still running. */
async function starters(folder: string, count: number) {
  const children = Array.from({ length: count }, () => startHolder(folder))
  const said = await Promise.all(children.map(async (child) => String((await once(child.stdout, 'data'))[0])))
  return { said, kill: () => Promise.all(children.map(end)) }
}

test('of three that start at once after the holder was killed, one gets the folder, in each of eight rounds', async () => {
  const folder = await aFolder()
  for (let round = 0; round < 8; round++) {
    const { said, kill } = await starters(folder, 3)
    expect(said.sort()).toEqual(['held', 'refused', 'refused'])
    await kill()
  }
}, 60_000)

test('of many locks in one process, one is given', async () => {
  const folder = await aFolder()
  const locks = Array.from({ length: 20 }, () => lockFolder(folder))
  expect(locks.filter((lock) => lock !== undefined)).toHaveLength(1)
  for (const lock of locks) lock?.release()
})

test('a folder that cannot be locked is refused with the reason and the remedy', async () => {
  const folder = await aFolder()
  expect(() => lockFolder(join(folder, 'missing'))).toThrow(
    /cannot be locked .*: use a volume whose file system has POSIX record locks/,
  )
})
