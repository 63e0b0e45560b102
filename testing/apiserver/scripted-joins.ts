import type { SyntheticJoin } from '../../operator/observed/synthetic-join.ts'
import type { Probe } from '../../operator/observers/synthetic-join/probe.ts'

/** Synthetic joins whose outcome the test sets. */
export function scriptedJoins() {
  const listeners = new Set<Parameters<Probe['onChange']>[0]>()
  const world = { join: { state: 'joined' } as SyntheticJoin, attended: new Set<string>() }
  const joins: Probe = {
    attend: (_, cells) => {
      for (const { metadata } of cells) world.attended.add(metadata.name)
    },
    joinOf: () => world.join,
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  const answer = (join: SyntheticJoin, namespace: string) => {
    world.join = join
    for (const listener of listeners) listener({ namespace, name: 'main' })
  }
  return { ...joins, attended: world.attended, answer }
}
