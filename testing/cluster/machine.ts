import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../../cells/chassis/errors.ts'
import { runCommand } from '../parts/command.ts'

const START_TIMEOUT_MS = 10_000

/** How much of a program's log is shown when it ends unexpectedly. */
const SHOWN_LINES = 8

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Where the cluster's folder and the Kubernetes programs are mounted in a machine. */
export const STATE = '/run/state'
export const BIN = '/run/bin'

/**
 * A simulated machine: Linux namespaces give it its own network, mounts, processes and host name. Files that
 * programs write outside their folders are kept in memory and disappear with it.
 */
export class Machine {
  readonly #root: ChildProcess
  readonly #pid: number
  readonly #logs: string
  #failure: string | undefined

  private constructor(root: ChildProcess, pid: number, logs: string) {
    this.#root = root
    this.#pid = pid
    this.#logs = logs
  }

  /** Starts one in which a single process waits; the output of its programs is written to the folder `logs`. */
  static async start(hostname: string, state: string, bin: string, logs: string): Promise<Machine> {
    mkdirSync(logs, { recursive: true })
    // The first process also reaps zombies, which a plain sleep would not. If the process of the tests is killed, the
    // kernel kills it, and with it everything in the machine.
    const first = ['bash', '-c', 'while :; do sleep 3600; done']
    const unshared = [
      'unshare',
      '--net',
      '--mount',
      '--pid',
      '--uts',
      '--ipc',
      '--fork',
      '--kill-child',
      '--mount-proc',
      ...first,
    ]
    const root = spawn('setpriv', ['--pdeathsig', 'KILL', ...unshared], { stdio: 'ignore', env: { PATH }, detached: true })
    const pid = await firstChildOf(root)
    const machine = new Machine(root, pid, logs)
    await machine.run(
      'bash',
      '-ec',
      [
        'mount -t tmpfs tmpfs /run',
        `mkdir ${STATE} ${BIN}`,
        `mount --bind "$0" ${STATE}`,
        `mount --bind "$1" ${BIN}`,
        'for folder in /var/lib /var/log; do mount -t tmpfs tmpfs $folder; done',
        'mount --make-rshared /',
        'hostname "$2"',
        'ip link set lo up',
        'echo 1 > /proc/sys/net/ipv4/ip_forward',
      ].join('\n'),
      state,
      bin,
      hostname,
    )
    return machine
  }

  /** The first process of the machine: when it is killed, all others end as in a power failure. */
  get pid(): number {
    return this.#pid
  }

  /** Why a program that should run has ended; undefined while all run. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** Runs a command in the machine and waits for its end. */
  run(...command: string[]): Promise<string> {
    return runCommand('nsenter', [...this.#enter(), ...command], { env: { PATH } })
  }

  /** Runs a command in the machine with a file as its standard input. */
  async feed(file: string, ...command: string[]): Promise<void> {
    await runCommand('bash', ['-c', 'exec < "$0"; exec "$@"', file, 'nsenter', ...this.#enter(), ...command], {
      env: { PATH },
      timeoutMs: 120_000,
    })
  }

  /** Starts a program that runs as long as the machine does. */
  launch(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
    const name = program.split('/').at(-1) ?? program
    const log = join(this.#logs, `${name}.log`)
    const output = openSync(log, 'a')
    const child = spawn('nsenter', [...this.#enter(), program, ...args], {
      stdio: ['ignore', output, output],
      env: { PATH, ...env },
      detached: true,
    })
    closeSync(output)
    child.on('exit', (code, signal) => {
      // When the whole cluster is removed, its logs may be gone first.
      const end = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n').slice(-SHOWN_LINES).join('\n') : ''
      this.#failure ??= `${name} ended with ${signal ?? `exit code ${code}`}; the end of ${log}:\n${end}`
    })
    child.on('error', (error) => {
      this.#failure ??= `${name} could not be started: ${error.message}`
    })
  }

  /** A power failure: everything in the machine ends at once. */
  async kill(): Promise<void> {
    if (this.#root.exitCode !== null || this.#root.signalCode !== null) return
    const gone = new Promise((resolve) => this.#root.once('exit', resolve))
    process.kill(this.#pid, 'SIGKILL')
    await gone
  }

  #enter(): string[] {
    return ['--target', String(this.#pid), '--net', '--mount', '--pid', '--uts', '--ipc', '--']
  }
}

/** The process that `unshare` started, once it has executed the shell. */
async function firstChildOf(root: ChildProcess): Promise<number> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (Date.now() < deadline && root.exitCode === null) {
    const pid = Number(contentOf(`/proc/${root.pid}/task/${root.pid}/children`))
    if (pid > 0 && contentOf(`/proc/${pid}/comm`) === 'bash') return pid
    await sleep(10)
  }
  root.kill('SIGKILL')
  throw new UserError(
    'this machine does not let us make network, mount and process namespaces: run as root, outside a restricted container',
  )
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}
