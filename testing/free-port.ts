import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below the ports that Linux gives to outgoing connections, and to servers that ask for any port. Among those, a connection of another
 * test could take the port before the program listens on it, or while it is restarted.
 */
const FIRST = 20_000
const COUNT = 10_000

/**
 * A TCP port that is free on every address of this machine: a process of another test may have it on all of them, and leave it free on
 * one. For programs that cannot say which free port they took, or that have to keep it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const listening = once(server, 'listening').then(
    () => true,
    () => false,
  )
  server.listen(port)
  if (!(await listening)) return false
  server.close()
  await once(server, 'close')
  return true
}
