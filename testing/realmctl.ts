import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { createProgram } from '../cli/program.ts'

/** Path of the program. */
export const REALMCTL = fileURLToPath(new URL('../cli/main.ts', import.meta.url))

/** A command that does something: its words, such as `rollout status`, and what it offers. */
export interface RealmctlCommand {
  words: string
  command: Command
  /** Whether it works in a cluster, by a kubeconfig. */
  isOfCluster: boolean
  hasJson: boolean
}

/** Every command of realmctl, as help shows them. */
export const realmctlCommands = (): RealmctlCommand[] => createProgram().commands.flatMap((command) => commandsBelow(command, []))

function commandsBelow(command: Command, parents: readonly string[]): RealmctlCommand[] {
  const words = [...parents, command.name()]
  // Hidden: what the scripts of shells call.
  if (command.name() === 'complete') return []
  if (command.commands.length > 0) return command.commands.flatMap((each) => commandsBelow(each, words))
  const choicesOf = (name: string) => command.options.find((option) => option.attributeName() === name)?.argChoices ?? []
  return [
    {
      ...{ words: words.join(' '), command },
      isOfCluster: command.options.some((option) => option.attributeName() === 'kubeconfig'),
      hasJson: choicesOf('output').includes('json'),
    },
  ]
}

/** How a run of realmctl ended. */
export interface Ended {
  code: number
  /** Standard output and standard error. */
  out: string
  err: string
}

/** Runs realmctl as a process of its own until it ends. */
export const runRealmctl = (words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 }
    execFile(process.execPath, [REALMCTL, ...words], options, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err }),
    )
  })
