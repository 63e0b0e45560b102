import { readFileSync } from 'node:fs'

/** What the kernel says of a process. Of the memory that it shares with others, `pssMb` has its share. */
export interface ProcessMemory {
  rssMb: number
  pssMb: number
  anonymousMb: number
  cpuMs: number
}

/** In whole megabytes. Linux only. */
export function memoryOf(pid: number): ProcessMemory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const mb = (field: string) => Math.round((Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) * 1024) / 1e6)
  const cpu = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  const cpuMs = (Number(cpu[11]) + Number(cpu[12])) * 10
  return { rssMb: mb('Rss'), pssMb: mb('Pss'), anonymousMb: mb('Anonymous'), cpuMs }
}
