import { createHash } from 'node:crypto'
import { realpath, unlink } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder that is ours alone until released, or until this process ends, however it ends. */
export interface FolderLock {
  release(): Promise<void>
}

/** Longest path of a socket that every kernel takes. */
const MAX_SOCKET_PATH = 100
const PROBE_TIMEOUT_MS = 1_000
const ATTEMPTS = 3

/**
 * Locks a folder, or answers nothing when a living process holds it. The lock is a socket somebody listens on: unlike a file
 * with a process number it says whether its owner lives, across containers too, where every process is number 1.
 */
export async function lockFolder(folder: string): Promise<FolderLock | undefined> {
  const path = await socketPathOf(folder)
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const server = await listenOn(path)
    if (server) return { release: () => new Promise((resolve) => server.close(() => resolve())) }
    if (await answers(path)) return undefined
    await unlink(path).catch(() => undefined) // left behind by a process that was killed
  }
  return undefined
}

async function socketPathOf(folder: string): Promise<string> {
  const real = await realpath(folder)
  const inside = join(real, '.in-use')
  if (Buffer.byteLength(inside) <= MAX_SOCKET_PATH) return inside
  return join(tmpdir(), `realm-${createHash('sha256').update(real).digest('hex').slice(0, 32)}`)
}

/** The server listening on the path, or nothing when there is something at the path already. */
function listenOn(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy())
    server.unref()
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)))
    server.listen(path, () => resolve(server))
  })
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.setTimeout(PROBE_TIMEOUT_MS, () => settle(true)) // somebody is there, only slow
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
    function settle(alive: boolean): void {
      socket.destroy()
      resolve(alive)
    }
  })
}
