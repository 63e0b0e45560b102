import { setTimeout as sleep } from 'node:timers/promises'
import type { Progress } from '../parts/part.ts'
import { claims, isOwned, sweep } from './claim.ts'

/** A cluster stops within a second, but its owner may still be starting it. */
const END_TIMEOUT_MS = 30_000

/**
 * Sends SIGTERM to the owners of all clusters that were started at a terminal, waits, and removes clusters whose owner no longer
 * runs.
 */
export async function endAll(progress: Progress): Promise<void> {
  const running = claims().filter((claim) => claim.owner.purpose === 'person' && isOwned(claim))
  for (const { owner } of running) {
    progress(`ending the cluster of process ${owner.pid}`)
    process.kill(owner.pid, 'SIGTERM')
  }
  const deadline = Date.now() + END_TIMEOUT_MS
  while (running.some(isOwned) && Date.now() < deadline) await sleep(100)
  const stubborn = running.filter(isOwned)
  for (const { owner } of stubborn) process.kill(owner.pid, 'SIGKILL')
  if (stubborn.length > 0) await sleep(500)
  await sweep()
  progress(running.length === 0 ? 'no cluster was running' : 'done')
}
