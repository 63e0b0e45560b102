import type { SyntheticJoin } from '../../operator/observed/synthetic-join.ts'
import type { CellObserver } from '../../operator/observers/observer.ts'

/** Synthetic joins whose outcome the test sets. */
export function scriptedJoins() {
  const listeners = new Set<Parameters<CellObserver<SyntheticJoin>['onChange']>[0]>()
  const world = { join: { state: 'joined' } as SyntheticJoin, watched: new Set<string>() }
  const joins: CellObserver<SyntheticJoin> = {
    watch: (_, cells) => {
      for (const { metadata } of cells) world.watched.add(metadata.name)
    },
    get: () => world.join,
    forget: () => {},
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  const answer = (join: SyntheticJoin, namespace: string) => {
    world.join = join
    for (const listener of listeners) listener({ namespace, name: 'main' })
  }
  return { ...joins, watched: world.watched, answer }
}
