import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import { freshFolder } from './fresh-folder.ts'
import { type Program, startProgram } from './program.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

export interface RelayProcess {
  program: Program
  udpPort: number
  handOverPort: number
  /** Of the process of the relay itself, until it crashes. */
  pid: number
  /** Kills the process of the relay with -9, but not the one that starts it again. */
  crash(): void
}

/** Starts a movement relay as a process of its own, which ends with the test. */
export async function startRelayProcess(keyFile: string, env: NodeJS.ProcessEnv = {}): Promise<RelayProcess> {
  const program = startProgram(process.execPath, ['cells/main.ts', 'pulse'], {
    cwd: root,
    env: {
      ...{ HTTP_SERVER_HOST: '127.0.0.1', HTTP_SERVER_PORT: '0', UDP_SERVER_ADDRESS: '127.0.0.1', UDP_SERVER_PORT: '0' },
      ...{ HAND_OVER_PORT: '0', HAND_OVER_KEY_FILE: keyFile, HAND_OVER_WAIT_SECONDS: '0' },
      ...env,
    },
  })
  onTestFinished(() => program[Symbol.asyncDispose]())
  const line = await program.prints(/\{[^\n]*players are received over UDP[^\n]*\}/, 60_000)
  const { port, handOverPort, pid, isInBatches } = JSON.parse(line[0])
  // Node.js by itself would do as well, unseen, with more of a processor.
  expect(isInBatches).toBe(process.platform === 'linux')
  return { program, udpPort: port, handOverPort, pid, crash: () => process.kill(pid, 'SIGKILL') }
}

/** The secret by which relays know each other. */
export function relayKeyFile(): string {
  const file = join(freshFolder(), 'key')
  writeFileSync(file, 'a secret of this installation')
  return file
}
