import { expect, test } from 'vitest'
import { Metrics } from '../cells/chassis/metrics.ts'
import { aRealm } from './desired/realm.fixtures.ts'
import { operatorMetrics } from './metrics.ts'

test('realms are counted by their conditions', async () => {
  const metrics = new Metrics('operator')
  const ready = aRealm()
  ready.status = {
    conditions: [{ type: 'AcceptingPlayers', status: 'True', reason: 'CellsServing', message: '', lastTransitionTime: '' }],
  }
  const realms = [ready, aRealm()]
  const cluster = {
    keys: (kind: string) => (kind === 'Realm' ? ['a', 'b'].map((name) => ({ namespace: 'metaverse', name })) : []),
    realm: ({ name }: { name: string }) => realms[name === 'a' ? 0 : 1],
  }
  operatorMetrics(metrics, cluster, { leads: () => true, lease: 'realm-operator' })
  const text = await metrics.registry.metrics()
  for (const line of [
    'realm_operator_realms 2',
    'realm_operator_cells 0',
    'realm_operator_leader 1',
    'leader_election_master_status{name="realm-operator"} 1',
    'realm_operator_realms_accepting_players 1',
    'realm_operator_realms_stalled 0',
    'realm_operator_realms_by_condition{condition="AcceptingPlayers",status="True",reason="CellsServing"} 1',
  ])
    expect(text).toContain(`${line}\n`)
})
