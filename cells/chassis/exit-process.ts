import { accessSync, constants } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { isSea } from 'node:sea'
import { isMainThread } from 'node:worker_threads'

const SHELL = '/bin/sh'

/** Ends the process like `process.exit`, but not by waiting for threads: see `exitWithoutJoiningThreads`. */
export function exitProcess(code: number): never {
  exitWithoutJoiningThreads()
  process.exit(code)
}

/**
 * Makes sure that the process ends when it exits. Node.js waits then for V8's threads, and one that compiles may wait for a garbage
 * collection that only the main thread could do: for ever (nodejs/node#54918). So the process becomes another program instead, which does
 * nothing but exit with the same code: the kernel ends the threads. To be called last, because listeners of `exit` that were
 * added later are not called. On Windows, which cannot do that, the process exits as usual.
 */
export function exitWithoutJoiningThreads(): void {
  process.off('exit', becomeExit)
  process.once('exit', becomeExit)
}

function becomeExit(code: number): void {
  if (!process.execve || !isMainThread || writesProfileAtExit()) return
  const program = exitProgram(code, isExecutable(SHELL))
  if (!program || !isExecutable(program.file)) return
  // Node.js does this at an exit of its own.
  flushCompileCache()
  process.execve(program.file, program.args, {})
}

/**
 * The program, and its arguments from its own name on, that exits with a code. The image has no shell, so there it is Node.js, which without
 * a compiler has nothing to wait for. An executable of `realmctl` cannot run other code: undefined.
 */
export function exitProgram(code: number, hasShell: boolean): { file: string; args: string[] } | undefined {
  if (hasShell) return { file: SHELL, args: ['sh', '-c', `exit ${code}`] }
  if (isSea()) return undefined
  return { file: process.execPath, args: ['node', '--jitless', '--eval', `process.exit(${code})`] }
}

/** Profiles that Node.js was asked for, and the coverage of code, are written by its own exit only. */
const writesProfileAtExit = (): boolean =>
  process.env.NODE_V8_COVERAGE !== undefined ||
  [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((flags) => /--(cpu|heap)-prof/.test(flags))

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
