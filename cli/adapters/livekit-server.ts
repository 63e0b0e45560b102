import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { accessSync, constants, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { Log } from '../../cells/chassis/log.ts'

/** A LiveKit server that was started on this machine. */
export interface LivekitServer extends Running {
  /** `ws://host:port` */
  url: string
  apiKey: string
  apiSecret: string
  /** Of its process at this moment. */
  readonly pid: number | undefined
  /** Starts it no more when it ends: Ctrl-C in a terminal reaches it too, while players are still being disconnected. */
  letEnd(): void
}

const START_DEADLINE_MS = 15_000
const STOP_DEADLINE_MS = 5_000
const RESTART_DELAY_MS = 1_000

/** The `livekit-server` on PATH, or one that the tests of this project built into their cache. */
export function findLivekitServer(env: NodeJS.ProcessEnv): string | undefined {
  const cache = join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'realm-operator')
  const onPath = (env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'livekit-server'))
  return [...onPath, ...builtEarlier(cache)].find(isExecutable)
}

/**
 * Starts a server on free ports with keys of its own; restarts it if it dies.
 *
 * @param webhookUrls where it sends the events of its rooms
 * @throws Error when it does not come up in time
 */
export async function startLivekitServer(
  binary: string,
  host: string,
  log: Log,
  webhookUrls: readonly string[] = [],
): Promise<LivekitServer> {
  const [port, tcpPort, udpPort] = [await freePort(host), await freePort(host), await freePort(host)]
  const apiKey = `realm${randomBytes(6).toString('hex')}`
  const apiSecret = randomBytes(24).toString('hex')
  const config = stringify({
    port,
    bind_addresses: [host],
    rtc: { tcp_port: tcpPort, udp_port: udpPort, node_ip: host, use_external_ip: false, enable_loopback_candidate: true },
    keys: { [apiKey]: apiSecret },
    ...(webhookUrls.length > 0 && { webhook: { api_key: apiKey, urls: webhookUrls } }),
    logging: { level: 'error' },
  })
  let mayEnd = false
  let child = launch()
  // The server must not outlive this process, however it ends, a second Ctrl-C included.
  const killWithProcess = () => child.kill('SIGKILL')
  process.on('exit', killWithProcess)

  function launch(): ChildProcess {
    // The keys travel in the environment, where other users of the machine cannot read them, and not on the command line.
    const started = spawn(binary, [], { stdio: 'ignore', env: { PATH: process.env.PATH, LIVEKIT_CONFIG: config } })
    started.on('error', (error) => log.error({ err: error }, 'LiveKit could not be started'))
    started.on('exit', (code) => {
      setTimeout(() => {
        if (mayEnd) return
        log.warn({ code }, 'LiveKit ended; starting it again')
        child = launch()
      }, RESTART_DELAY_MS).unref()
    })
    return started
  }

  async function stop(): Promise<void> {
    mayEnd = true
    process.off('exit', killWithProcess)
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    const cutOff = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
    await ended
    clearTimeout(cutOff)
  }

  const deadline = performance.now() + START_DEADLINE_MS
  while (!(await answers(`http://${host}:${port}`))) {
    if (performance.now() > deadline) {
      await stop()
      throw new Error(`${binary} did not answer within ${START_DEADLINE_MS / 1000} s`)
    }
    await sleep(50)
  }
  const letEnd = () => {
    mayEnd = true
  }
  return {
    ...{ url: `ws://${host}:${port}`, apiKey, apiSecret, letEnd, stop },
    get pid() {
      return child.pid
    },
  }
}

function builtEarlier(cache: string): string[] {
  try {
    return readdirSync(cache)
      .filter((name) => name.startsWith('livekit-'))
      .map((name) => join(cache, name, 'livekit-server'))
  } catch {
    return []
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const answers = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(1_000) })
    .then(({ ok }) => ok)
    .catch(() => false)

const freePort = (host: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, host, () => {
      const address = probe.address()
      probe.close(() => (address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))))
    })
  })
