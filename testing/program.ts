import { type ChildProcess, spawn } from 'node:child_process'

/** A program under test, and its output. */
export interface Program {
  readonly pid: number
  /** The text written so far to standard output and standard error. */
  output(): string
  /** Resolves with the exit code (or the signal's name) when the program ended. */
  readonly ended: Promise<number | string>
  /** Waits until the output matches. @throws with the whole output at the time limit, or when the program ends first */
  prints(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  signal(name: NodeJS.Signals): void
  /** Kills the program and all processes it started, if they still run. */
  [Symbol.asyncDispose](): Promise<void>
}

const SAYS_TIMEOUT_MS = 60_000

/** Starts a program in a process group of its own, so that none of its processes outlives the test. */
export function startProgram(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Program {
  const child: ChildProcess = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
  })
  const pid = child.pid
  if (pid === undefined) throw new Error(`${command} could not be started`)
  let text = ''
  const waiting = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      for (const check of waiting) check()
    })
  }
  const ended = new Promise<number | string>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown')),
  )

  return {
    pid,
    output: () => text,
    ended,
    signal: (name) => child.kill(name),
    prints: (pattern, timeoutMs = SAYS_TIMEOUT_MS) =>
      new Promise((resolve, reject) => {
        const done = (act: () => void) => {
          clearTimeout(timer)
          waiting.delete(check)
          act()
        }
        const check = () => {
          const match = pattern.exec(text)
          if (match) done(() => resolve(match))
        }
        const timer = setTimeout(
          () => done(() => reject(new Error(`${command} did not print ${pattern} within ${timeoutMs} ms:\n${text}`))),
          timeoutMs,
        )
        waiting.add(check)
        void ended.then((how) =>
          done(() => reject(new Error(`${command} ended with ${how} before it printed ${pattern}:\n${text}`))),
        )
        check()
      }),
    async [Symbol.asyncDispose]() {
      killGroup(pid)
      await ended
    },
  }
}

/** Whether a process of the group still exists. */
export function groupExists(pid: number): boolean {
  try {
    process.kill(-pid, 0)
    return true
  } catch {
    return false
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // The process has ended already.
  }
}
