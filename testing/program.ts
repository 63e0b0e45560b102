import { type ChildProcess, spawn } from 'node:child_process'

/** A program under test, and what it said. */
export interface Program {
  readonly pid: number
  /** Everything written so far to both outputs. */
  output(): string
  /** Resolves with the exit code (or the signal's name) when the program ended. */
  readonly ended: Promise<number | string>
  /** Waits until the output matches. @throws with the whole output when it does not in time, or the program ends first */
  prints(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  signal(name: NodeJS.Signals): void
  /** Ends the program and whatever it started, if it still runs. */
  [Symbol.asyncDispose](): Promise<void>
}

const SAYS_TIMEOUT_MS = 30_000

/** Starts a program in a process group of its own, so that nothing of it outlives the test. */
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
          () => done(() => reject(new Error(`${command} did not say ${pattern} within ${timeoutMs} ms:\n${text}`))),
          timeoutMs,
        )
        waiting.add(check)
        void ended.then((how) =>
          done(() => reject(new Error(`${command} ended with ${how} before it said ${pattern}:\n${text}`))),
        )
        check()
      }),
    async [Symbol.asyncDispose]() {
      killGroup(pid)
      await ended
    },
  }
}

/** Whether a process, or anything of its group, still exists. */
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
    // It is gone already, which is what was wanted.
  }
}
