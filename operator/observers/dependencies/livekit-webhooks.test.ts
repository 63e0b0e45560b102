import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import type { FetchResult } from '../../../cells/chassis/fetch-json.ts'
import { silentLog } from '../../../cells/chassis/log.ts'
import { aRealm, site } from '../../desired/realm.fixtures.ts'
import { LivekitWebhooks } from './livekit-webhooks.ts'

const MINUTE = 60_000
const external = { type: 'External', url: 'wss://livekit.example.org', credentials: { secretName: 'livekit' } } as const
const said = (webhooks: unknown): FetchResult => ({ ok: true, status: 200, body: { webhooks } })

function aWatch() {
  const [clock, asked, changes] = [new ManualClock(), [] as string[], [] as string[]]
  const gatekeeper = { answer: said('unknown') }
  const fetch = async (url: string) => {
    asked.push(url)
    return gatekeeper.answer
  }
  const webhooks = new LivekitWebhooks({ gatekeeperUrlOf: site.gatekeeperUrl, clock, log: silentLog, fetch, random: () => 0.5 })
  webhooks.onChange(({ name }) => changes.push(name))
  const hears = async (answer: FetchResult) => {
    gatekeeper.answer = answer
    clock.advance(MINUTE)
    await new Promise(setImmediate)
    return webhooks.get(aRealm().metadata)
  }
  return { webhooks, asked, changes, hears }
}

test('the gatekeeper of a realm is asked once a minute, and what one replica knows stands until another one knows better', async () => {
  const { webhooks, asked, changes, hears } = aWatch()
  const realm = aRealm({ livekit: external })
  webhooks.watch(realm)
  expect(await hears(said('unknown'))).toBe('unknown')
  expect([await hears(said('missing')), changes]).toEqual(['missing', ['main']])
  webhooks.watch(realm)
  for (const nothing of [said('unknown'), said(7), { ok: false, reason: 'away' }, { ok: true, status: 503, body: null }] as const)
    expect(await hears(nothing)).toBe('missing')
  expect([await hears(said('arrive')), changes.length]).toEqual(['arrive', 2])
  expect([new Set(asked), asked.length]).toEqual([new Set(['http://main-gatekeeper.metaverse.svc.cluster.local/status']), 7])
})

test('a realm whose LiveKit is not External, or whose gatekeeper is that of another Realm, is not asked', async () => {
  const { webhooks, asked, hears } = aWatch()
  webhooks.watch(aRealm({ livekit: external }))
  const scenes = ['urn:decentraland:entity:bafk']
  const world = { scenes, access: { type: 'Public' }, capacity: 1, gatekeeperOf: 'host' } as const
  for (const realm of [aRealm({ livekit: { type: 'None' } }), aRealm({ mode: 'World', world, livekit: external })]) {
    webhooks.watch(realm)
    expect(await hears(said('missing'))).toBeUndefined()
  }
  expect(asked).toEqual([])
})
