/**
 * Processor time of this thread so far, in ms. Linux brings the time of a thread up to date only at the ticks of its clock, every 4 ms or so, but
 * for a process that asks for its own time at once: so that is asked for first.
 */
export function threadCpuMs(): number {
  process.cpuUsage()
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
