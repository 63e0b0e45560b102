import { expect, test } from 'vitest'
import type { CommsCell } from '../../../crds/realm.ts'
import { aCell, aRealm, compact } from '../../desired/realm.fixtures.ts'
import type { Child } from '../cache/child.ts'
import { ensureSecrets } from './generated-secrets.ts'
import type { SecretUsers } from './secret-writer.ts'

const realm = aRealm({ livekit: { type: 'Managed' } })

/** What is restarted when a connector of a cell reports that the Secret of the LiveKit is missing. */
async function restartedFor(cell: CommsCell): Promise<string[]> {
  const child = (component: 'connector' | 'archipelago') =>
    ({ kind: 'Deployment', namespace: 'metaverse', name: `main-0-${component}`, workload: { component } }) as Child
  const seen: SecretUsers[] = []
  await ensureSecrets(
    {
      cache: {
        cellsOf: () => [cell],
        child: () => child('connector'),
        childrenOf: (uid) => (uid === cell.metadata.uid ? [child('connector'), child('archipelago')] : []),
        secretExists: () => {},
        pods: {
          lacksSecret: (owner: { kind: string }, component: string, secret: string) =>
            owner.kind === 'CommsCell' && component === 'connector' && secret === 'main-livekit',
          podsOf: () => [],
        } as never,
      },
      writer: {
        createSecret: async () => {},
        restoreSecret: async (_, users) => {
          seen.push(users)
          return true
        },
      },
    },
    realm,
  )
  return seen.flatMap(({ restart }) => restart.map(({ name }) => name))
}

test('a lost Secret of the LiveKit restarts what mints tokens with it: the archipelago, which in a Compact cell is the connector', async () => {
  expect(await restartedFor(aCell(realm))).toEqual(['main-0-archipelago'])
  expect(await restartedFor(aCell(compact(realm)))).toEqual(['main-0-connector'])
})
