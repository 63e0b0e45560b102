import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { librariesOf, programOf } from './parts/unpacked.ts'
import { startProgram } from './program.ts'

/** A pooler in front of a PostgreSQL server. */
export interface Pooler extends AsyncDisposable {
  /** The URL of a database of the server, through the pooler. */
  through(url: string): string
}

/** So few that connections are shared between clients. */
const SERVER_CONNECTIONS = 2

/**
 * Starts the PgBouncer of the part `pgbouncer` in front of the server at `url`, in transaction mode and otherwise with its
 * defaults, as poolers of operators are.
 */
export async function startPgbouncer(part: string, url: string): Promise<Pooler> {
  const folder = await mkdtemp(join(tmpdir(), 'pgbouncer-'))
  const [server, port] = [new URL(url), await freePort()]
  const file = join(folder, 'pgbouncer.ini')
  await writeFile(
    file,
    `[databases]
* = host=${server.hostname} port=${server.port} user=${server.username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${SERVER_CONNECTIONS}
${process.getuid?.() === 0 ? 'user = nobody' : ''}
`,
  )
  const program = startProgram(programOf(part, 'pgbouncer'), [file], { env: librariesOf(part) })
  await program.prints(/process up/)
  return {
    through: (of) => Object.assign(new URL(of), { host: `127.0.0.1:${port}` }).href,
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}
