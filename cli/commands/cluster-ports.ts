import type { WaitPorts } from '../cluster/wait.ts'
import type { TableStyle } from '../output/table.ts'

/** Side effects of the commands for realms of a cluster. */
export interface ClusterPorts extends WaitPorts {
  env: NodeJS.ProcessEnv
  /** To standard output. */
  print(text: string): Promise<void>
  /** Progress, to standard error. */
  say(sentence: string): void
  interruptible: Interruptible
  /** Time of day, in milliseconds since the epoch. */
  today(): number
  style: TableStyle
}

/** Runs work. Ctrl-C meanwhile ends the process, after `left` has said what stays half done. */
export type Interruptible = <T>(left: () => string, work: () => Promise<T>) => Promise<T>

/** Said when a command is interrupted while it waits for what it asked for. */
export const GOES_ON = 'Not waited for any longer: the change stays, and the operator goes on with it.'

/** What a list or an object is printed as: aligned columns, with more of them, or in full for programs. */
export type ClusterOutput = 'table' | 'wide' | 'json' | 'yaml' | 'name'
