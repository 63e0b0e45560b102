import type { WaitPorts } from '../cluster/wait.ts'
import type { TableStyle } from '../output/table.ts'

/** Side effects of the commands for realms of a cluster. */
export interface ClusterPorts extends WaitPorts {
  env: NodeJS.ProcessEnv
  /** To standard output. */
  print(text: string): Promise<void>
  /** Progress, to standard error. */
  say(sentence: string): void
  /** Time of day, in milliseconds since the epoch. */
  today(): number
  style: TableStyle
}

/** What a list or an object is printed as: aligned columns, with more of them, or in full for programs. */
export type ClusterOutput = 'table' | 'wide' | 'json' | 'yaml' | 'name'
