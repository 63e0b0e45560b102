import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Part, Progress } from './part.ts'

/** How often a long job reports that it still runs. */
const STILL_EVERY_MS = 30_000

/** How often a process checks whether another one has made the part that it waits for. */
const LOCK_POLL_MS = 500

/** Where parts are kept between runs: outside every working tree, so that all of them share one copy. */
export const cacheFolder = (): string => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'realm-operator')

/** How one part is made in the cache. */
export interface Recipe {
  /** The folder's name. It contains everything that the result depends on, so that an existing folder is never out of date. */
  key: string
  /** The progress message, such as `building NATS 2.11.17 from its Go module, about 15 seconds`. */
  announcement: string
  blocker(): string | undefined
  /** Fills an empty folder, and checks that its content works. */
  fill(folder: string, progress: Progress): Promise<void>
  /** The path that is passed to tests, inside the folder. */
  path(folder: string): string
}

/**
 * A part that is kept in the cache. It is made in a temporary folder and then renamed, so that an incomplete part is never used.
 */
export function cached(recipe: Recipe): Part {
  const folder = join(cacheFolder(), recipe.key)
  const find = () => (existsSync(folder) ? recipe.path(folder) : undefined)
  return {
    find,
    blocker: recipe.blocker,
    make: async (progress) => {
      await mkdir(cacheFolder(), { recursive: true })
      return locked(`${folder}.lock`, progress, async () => {
        const found = find()
        if (found) return found
        const draft = `${folder}.${process.pid}.tmp`
        try {
          await mkdir(draft)
          await patiently(recipe.announcement, progress, () => recipe.fill(draft, progress))
          await rename(draft, folder).catch((error: unknown) => {
            if (!find()) throw error
          })
        } finally {
          await rm(draft, { recursive: true, force: true })
        }
        return recipe.path(folder)
      })
    },
  }
}

/** Reports the start of a job, that it still runs, and how long it took. */
async function patiently(announcement: string, progress: Progress, work: () => Promise<void>): Promise<void> {
  const since = performance.now()
  const seconds = () => Math.round((performance.now() - since) / 1000)
  progress(`${announcement}, once`)
  const still = setInterval(() => progress(`still ${announcement} (${seconds()} s so far)`), STILL_EVERY_MS)
  try {
    await work()
    progress(`done in ${seconds()} s`)
  } finally {
    clearInterval(still)
  }
}

/**
 * Only one process at a time makes a part. The lock of a process that has ended is taken over; if two processes take it at the
 * same moment, both make the part, and the second one keeps the result of the first.
 */
async function locked<T>(path: string, progress: Progress, work: () => Promise<T>): Promise<T> {
  for (let waited = false; !(await tryLock(path)); waited = true) {
    if (!waited) progress('waiting for another process that is making the same part')
    await sleep(LOCK_POLL_MS)
  }
  try {
    return await work()
  } finally {
    await rm(path, { force: true })
  }
}

async function tryLock(path: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx' })
    return true
  } catch {
    const owner = Number(await readFile(path, 'utf8').catch(() => ''))
    if (!isAlive(owner)) await rm(path, { force: true })
    return false
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
