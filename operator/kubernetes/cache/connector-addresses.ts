import type { CommsCell } from '../../../crds/realm.ts'
import type { Cache } from './cache.ts'

/** IP addresses of the connectors of a cell that accept players. */
export const readyConnectorAddresses =
  ({ pods }: Pick<Cache, 'pods'>) =>
  ({ metadata: { namespace, name } }: CommsCell): string[] =>
    pods
      .podsOf({ kind: 'CommsCell', namespace, name }, 'connector')
      .flatMap(({ ready, terminating, address }) => (ready && !terminating && address ? [address] : []))
