import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import { repeat } from './repeat.ts'

/** The files whose content a process was configured with, and how they are read. */
export interface SecretFilesOptions {
  paths: readonly string[]
  clock: Clock
  log: Log
  /** A number from 0 to 1 that spreads replicas in time; `Math.random` by default. */
  random?: () => number
}

/**
 * How often the files are read. Kubelets take about a minute to update a mounted Secret; file events of mounted volumes get lost.
 */
const READ_INTERVAL_MS = 10_000
/** Replicas see a change within seconds of each other; each waits a random part of this, so that they do not stop together. */
export const SPREAD_MS = 180_000

/** Read again whenever they are needed, by `currentSecret`: a change of these is no reason for a restart. */
const READ_AT_LOGIN = new Set([
  'NATS_USER_FILE',
  'NATS_PASSWORD_FILE',
  'NATS_TOKEN_FILE',
  'NATS_NKEY_SEED_FILE',
  'NATS_CREDENTIALS_FILE',
  'REALM_TOKEN_KEY_FILE',
  'HAND_OVER_KEY_FILE',
  'MOVEMENT_TOKEN_FILE',
])

/** In a process of several services, a variable of one of them alone has its name before it. */
const isReadAtLogin = (name: string): boolean => READ_AT_LOGIN.has(name.replace(/^STATS_/, ''))

/** The files that `NAME_FILE` variables name, as far as a process has to restart to use their new content. */
export const secretFilesOf = (env: NodeJS.ProcessEnv): string[] =>
  Object.entries(env).flatMap(([name, path]) => (name.endsWith('_FILE') && path && !isReadAtLogin(name) ? [path] : []))

/** A value that is read from its file each time, where it has one; while the file cannot be read, the last value stands. */
export function currentSecret(value: string | undefined, path: string | undefined): () => string | undefined {
  let last = value
  return () => {
    if (!path) return value
    try {
      last = readFileSync(path, 'utf8').trim()
    } catch {
      // A kubelet replaces the file in one step; one that is missing belongs to a Secret that was deleted.
    }
    return last
  }
}

/**
 * Resolves with the path of a file whose content has changed, after a random wait: the caller then stops gracefully and is
 * restarted with the new content. A change that is reverted during the wait is ignored, and a missing file is not a change: it is
 * about to be written. Never resolves without files.
 */
export function secretFileChanged({ paths, clock, log, random = Math.random }: SecretFilesOptions): Promise<string> {
  if (paths.length === 0) return new Promise(() => {})
  const first = new Map<string, string>()
  return new Promise((resolve) => {
    let due: number | undefined
    const watching = repeat({
      task: async () => {
        const changed = await firstChanged(paths, first)
        if (changed === undefined) due = undefined
        else if (due === undefined) {
          const waitMs = random() * SPREAD_MS
          due = clock.monotonic() + waitMs
          log.info({ path: changed, waitSeconds: Math.round(waitMs / 1000) }, 'a secret changed: stopping soon, to be restarted')
        } else if (clock.monotonic() >= due) {
          void watching.stop()
          resolve(changed)
        }
      },
      delayMs: () => READ_INTERVAL_MS,
      clock,
      log,
    })
  })
}

async function firstChanged(paths: readonly string[], first: Map<string, string>): Promise<string | undefined> {
  for (const path of paths) {
    const found = await digestOf(path)
    if (found === undefined) continue
    const before = first.get(path)
    if (before === undefined) first.set(path, found)
    else if (before !== found) return path
  }
  return undefined
}

// Digests, so that the secrets do not stay in memory only to be compared.
const digestOf = (path: string): Promise<string | undefined> =>
  readFile(path).then(
    (content) => createHash('sha256').update(content).digest('base64'),
    () => undefined,
  )
