import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { cached, cacheFolder, type Recipe } from './cache.ts'

const quiet = () => undefined

const recipe = (fill: Recipe['fill']): Recipe => ({
  key: 'thing-1',
  announcement: 'making a thing, about a second',
  blocker: () => undefined,
  fill,
  path: (folder) => join(folder, 'thing'),
})

describe('the cache of parts', () => {
  let home: string

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'parts-'))
    vi.stubEnv('XDG_CACHE_HOME', home)
  })

  afterEach(async () => {
    vi.unstubAllEnvs()
    await rm(home, { recursive: true })
  })

  test('makes a part once, reports it, and finds it from then on', async () => {
    const fill = vi.fn((folder: string) => writeFile(join(folder, 'thing'), ''))
    const lines: string[] = []
    const part = cached(recipe(fill))
    expect(part.find()).toBeUndefined()

    expect(await part.make((line) => lines.push(line))).toBe(join(cacheFolder(), 'thing-1', 'thing'))
    expect(part.find()).toBe(join(cacheFolder(), 'thing-1', 'thing'))
    await part.make(quiet)

    expect(fill).toHaveBeenCalledOnce()
    expect(lines[0]).toBe('making a thing, about a second, once')
    expect(await readdir(cacheFolder())).toEqual(['thing-1'])
  })

  test('keeps nothing of a part that could not be made', async () => {
    const part = cached(
      recipe(async (folder) => {
        await writeFile(join(folder, 'half'), '')
        throw new Error('the network failed')
      }),
    )
    await expect(part.make(quiet)).rejects.toThrow('the network failed')
    expect(part.find()).toBeUndefined()
    expect(await readdir(cacheFolder())).toEqual([])
  })

  test('makes a second process that needs the same part wait for the first', async () => {
    const { promise: finished, resolve: finish } = Promise.withResolvers<void>()
    const fill = vi.fn(() => finished)
    const lines: string[] = []
    const first = cached(recipe(fill)).make(quiet)
    await vi.waitFor(() => expect(fill).toHaveBeenCalledOnce())
    const second = cached(recipe(fill)).make((line) => lines.push(line))
    await vi.waitFor(() => expect(lines).toEqual(['waiting for another process that is making the same part']))
    finish()
    expect(await second).toBe(await first)
    expect(fill).toHaveBeenCalledOnce()
  })

  test('takes over the lock of a process that has ended', async () => {
    await mkdir(cacheFolder(), { recursive: true })
    // No process has this id: it is above the largest the kernel hands out.
    await writeFile(join(cacheFolder(), 'thing-1.lock'), '4194305')
    await expect(cached(recipe(async () => undefined)).make(quiet)).resolves.toBe(join(cacheFolder(), 'thing-1', 'thing'))
  })
})
