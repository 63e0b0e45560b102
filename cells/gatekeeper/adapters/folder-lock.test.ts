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

/** Another process that holds the folder until it is ended. */
async function aHolder(folder: string) {
  const program = `
    import { lockFolder } from ${JSON.stringify(new URL('./folder-lock.ts', import.meta.url).href)}
    const lock = await lockFolder(${JSON.stringify(folder)})
    process.stdout.write(lock ? 'held' : 'refused')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [said] = await once(child.stdout, 'data')
  expect(String(said)).toBe('held')
  return async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

test.each(['', `deep/${'x'.repeat(120)}`])(
  'a folder (%j) is held by one process, and free once that was killed',
  async (below) => {
    const folder = await aFolder(below)
    const kill = await aHolder(folder)
    expect(await lockFolder(folder)).toBeUndefined()
    await kill()
    const lock = await lockFolder(folder)
    expect(lock).toBeDefined()
    expect(await lockFolder(folder)).toBeUndefined()
    await lock?.release()
    await (await lockFolder(folder))?.release()
  },
)

test('of many that want a folder at once, one gets it', async () => {
  const folder = await aFolder()
  const locks = await Promise.all(Array.from({ length: 20 }, () => lockFolder(folder)))
  expect(locks.filter((lock) => lock !== undefined)).toHaveLength(1)
  await Promise.all(locks.map((lock) => lock?.release()))
})
