import { freePort } from '../../testing/free-port.ts'
import { type Program, startProgram } from '../../testing/program.ts'

/** A NATS server on a port of its own, which it keeps over restarts. */
export interface Broker extends AsyncDisposable {
  readonly url: string
  /** The id of its process; undefined while it is ended. */
  readonly pid: number | undefined
  /** Ends it as a crash does. */
  kill(): Promise<void>
  /** Has it read its configuration again. */
  reload(): void
  /** Starts it again, where its clients look for it. */
  start(): Promise<void>
}

/** Starts a NATS server; further arguments are its own. */
export async function startBroker(binary: string, ...args: string[]): Promise<Broker> {
  const port = await freePort()
  let program: Program | undefined
  const broker: Broker = {
    get url() {
      return `nats://127.0.0.1:${port}`
    },
    get pid() {
      return program?.pid
    },
    async kill() {
      await program?.[Symbol.asyncDispose]()
      program = undefined
    },
    reload: () => program?.signal('SIGHUP'),
    async start() {
      program = startProgram(binary, ['-a', '127.0.0.1', '-p', String(port), ...args])
      await program.prints(/Server is ready/)
    },
    [Symbol.asyncDispose]: () => broker.kill(),
  }
  await broker.start()
  return broker
}
