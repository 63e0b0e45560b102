import { expect, test } from 'vitest'
import { actions, runOnEach } from '../../testing/apiserver/argo.ts'
import { withPart } from '../../testing/parts/with-part.ts'

withPart('lua', 'what Argo CD offers to do with a Realm, by the example', (lua) => {
  const realm = (rollout?: object, reason?: string) => ({
    spec: { version: '1.0.0', rollout },
    status: { conditions: reason ? [{ type: 'Reconciling', status: 'True', reason }] : [] },
  })

  test.each([
    ['runs', realm(), { pause: false, resume: true }],
    ['is paused', realm({ paused: true }, 'RolloutPaused'), { pause: true, resume: false }],
    ['waits after its canary cells', realm({ canaryCells: 1 }, 'AwaitingPromotion'), { pause: false, resume: false }],
    ['rolls out', realm({ canaryCells: 1 }, 'RollingOut'), { pause: false, resume: true }],
    ['is new', { spec: { version: '1.0.0' } }, { pause: false, resume: true }],
  ])('what is disabled for a Realm that %s', async (_, object, disabled) => {
    const [offered] = await runOnEach<Record<string, { disabled: boolean }>>(lua, actions['discovery.lua'], [object])
    expect(Object.fromEntries(Object.entries(offered ?? {}).map(([name, each]) => [name, each.disabled]))).toEqual(disabled)
  })

  const after = async (name: string, object: object) => {
    const script = actions.definitions.find((each) => each.name === name)?.['action.lua'] ?? ''
    return (await runOnEach<{ spec: { rollout: object } }>(lua, script, [object]))[0]?.spec.rollout
  }

  test('pausing sets the pause, and resuming takes it back or promotes the canary cells', async () => {
    expect(await after('pause', realm())).toEqual({ paused: true })
    expect(await after('pause', realm({ canaryCells: 2 }))).toEqual({ paused: true, canaryCells: 2 })
    expect(await after('resume', realm({ paused: true, canaryCells: 2 }))).toEqual({ paused: false, canaryCells: 2 })
    expect(await after('resume', realm({ canaryCells: 2, maxSurge: 1 }, 'AwaitingPromotion'))).toEqual({ maxSurge: 1 })
  })
})
